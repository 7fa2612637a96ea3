import pg from 'pg'
import type { Statement } from './split-statements.ts'

/**
 * Sessions that files run in, each like one of its own: nothing that a file set, locked, prepared or made for its session is there
 * for the next. A connection costs more than most files, so one that can be made as new is used again.
 */
export interface FileSessions {
  open(): Promise<pg.Client>
  /** The file has ended; `statements` are what it ran. */
  close(client: pg.Client, statements: readonly Statement[]): Promise<void>
  end(): Promise<void>
}

/** Settings stored for a role or a database are read when a session begins, and by no DISCARD. */
const STORED_SETTING = /^(alter (database|role|user|group|system)|(create|drop) (role|user|group)|do)\b/

export function fileSessions(url: string): FileSessions {
  let kept: pg.Client | undefined
  const connect = async () => {
    const client = new pg.Client({ connectionString: url, application_name: 'partywall verify: migrations' })
    client.on('error', () => {}) // the statement in flight reports it
    await client.connect()
    return client
  }
  return {
    async open() {
      const client = kept ?? (await connect())
      kept = undefined
      return client
    },
    async close(client, statements) {
      // A DO block may store a setting, too; its text is not worth reading.
      const stores = statements.some(({ head }) => STORED_SETTING.test(head))
      const reusable = !stores && client.getTransactionStatus() === 'I'
      const fresh =
        reusable &&
        (await client.query('discard all').then(
          () => true,
          () => false,
        ))
      if (fresh) kept = client
      else await client.end()
    },
    async end() {
      await kept?.end()
      kept = undefined
    },
  }
}
