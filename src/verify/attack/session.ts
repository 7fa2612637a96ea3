import type pg from 'pg'
import type { Queryable } from '../../catalog/model.ts'

/** The server's answer to one probe: a result, or the error that it raised. */
export type Probe<T> = { readonly ok: true; readonly value: T } | { readonly ok: false; readonly error: ProbeError }

/** An error of the server, with all the text in which a row could leak. */
export interface ProbeError {
  readonly code: string
  readonly message: string
  /** The constraint that the statement violated, if any. */
  readonly constraint: string | undefined
  readonly column: string | undefined
  readonly dataType: string | undefined
  /** Message, DETAIL, HINT and CONTEXT together, in which a canary is looked for. */
  readonly text: string
}

/** Rows with every value as the server's text, and the number of rows that the command returned or changed. */
export interface TextResult {
  readonly rows: readonly Readonly<Record<string, string | null>>[]
  readonly count: number
}

/** A connection inside the one transaction that is always rolled back. */
export interface AttackSession extends Queryable {
  /** One statement, values as text. */
  text(sql: string, values?: readonly unknown[]): Promise<TextResult>
  /** Runs several statements in one round trip and discards their results. */
  run(sql: string): Promise<void>
  /** Runs `fn` in a savepoint that is always rolled back. An error of the server is returned, not thrown. */
  probe<T>(fn: () => Promise<T>): Promise<Probe<T>>
  /** Notices and notifications since the last call. */
  takeNotices(): readonly string[]
}

const asText = { getTypeParser: () => (value: string | Buffer) => value }

export function attackSession(client: pg.Client): AttackSession {
  let notices: string[] = []
  client.on('notice', (notice) => {
    if (notices.length < 1000) notices.push([notice.message, notice.detail, notice.hint].filter(Boolean).join('\n'))
  })
  client.on('notification', (message) => notices.push(`${message.channel}: ${message.payload ?? ''}`))
  const session: AttackSession = {
    // biome-ignore lint/suspicious/noExplicitAny: pg's own type of a row
    query: (text, values) => client.query<any>(text, values === undefined ? undefined : [...values]),
    async text(sql, values) {
      const result = await client.query({
        text: sql,
        ...(values === undefined ? {} : { values: [...values] }),
        types: asText,
      })
      return { rows: result.rows, count: result.rowCount ?? 0 }
    },
    async run(sql) {
      await client.query(sql)
    },
    async probe(fn) {
      await client.query('savepoint partywall_probe')
      try {
        return { ok: true, value: await fn() }
      } catch (error) {
        const answer = probeError(error)
        if (answer === undefined) throw error
        return { ok: false, error: answer }
      } finally {
        // Fails only on a dead connection, and then the transaction is gone with it.
        await client.query('rollback to savepoint partywall_probe; release savepoint partywall_probe')
      }
    },
    takeNotices() {
      const taken = notices
      notices = []
      return taken
    },
  }
  return session
}

/**
 * The error in the form of a probe. Undefined if the server did not raise it for the statement, such as for a broken connection or a bug in
 * verify.
 */
function probeError(error: unknown): ProbeError | undefined {
  if (!(error instanceof Error) || !('code' in error) || typeof error.code !== 'string' || !('severity' in error))
    return undefined
  if (error.severity === 'FATAL' || error.severity === 'PANIC') return undefined
  const parts = ['detail', 'hint', 'where', 'internalQuery', 'constraint']
  const fields: Readonly<Record<string, unknown>> = { ...error }
  const text = [error.message, ...parts.map((part) => fields[part])]
    .filter((part) => typeof part === 'string')
    .join('\n')
  const named = (name: string) => {
    const value = fields[name]
    return typeof value === 'string' ? value : undefined
  }
  return {
    code: error.code,
    message: error.message,
    constraint: named('constraint'),
    column: named('column'),
    dataType: named('dataType'),
    text,
  }
}
