import type pg from 'pg'

/** pg's own connection, as far as COPY … FROM STDIN needs it. */
interface CopyConnection {
  query(text: string): void
  sendCopyFromChunk(chunk: Buffer): void
  endCopyFrom(): void
}

const CHUNK_BYTES = 65_536

/** COPY … FROM STDIN through pg, which answers CopyInResponse with an error unless a query object handles it. */
export function copyFromClient(client: pg.PoolClient, text: string, lines: Iterable<string>): Promise<void> {
  return new Promise((resolve, reject) => {
    let failure: Error | undefined
    client.query({
      text,
      submit: (connection: CopyConnection) => connection.query(text),
      handleCopyInResponse(connection: CopyConnection) {
        let chunk = ''
        for (const line of lines) {
          chunk += line
          if (chunk.length < CHUNK_BYTES) continue
          connection.sendCopyFromChunk(Buffer.from(chunk))
          chunk = ''
        }
        connection.sendCopyFromChunk(Buffer.from(chunk))
        connection.endCopyFrom()
      },
      handleCommandComplete() {},
      handleError(error: Error) {
        failure = error
      },
      handleReadyForQuery: () => (failure === undefined ? resolve() : reject(failure)),
    } as unknown as pg.Submittable)
  })
}
