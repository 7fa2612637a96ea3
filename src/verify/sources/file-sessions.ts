import pg from 'pg'
import type { Statement } from './split-statements.ts'

/**
 * Sessions for running files. Each file sees a new session: settings, locks, prepared statements and temporary objects of earlier files
 * are gone. Opening a connection takes longer than most files, so a connection that can be reset is used again.
 */
export interface FileSessions {
  open(): Promise<pg.Client>
  /** Takes the connection back after a file that ran these statements. */
  close(client: pg.Client, statements: readonly Statement[]): Promise<void>
  end(): Promise<void>
}

/**
 * Statements that may store settings for a role or database. A session reads stored settings only when it begins; DISCARD does not read
 * them again.
 */
const STORED_SETTING = /^(alter (database|role|user|group|system)|(create|drop) (role|user|group)|do)\b/

export function fileSessions(url: string): FileSessions {
  let kept: pg.Client | undefined
  const connect = async () => {
    const client = new pg.Client({ connectionString: url, application_name: 'partywall verify: migrations' })
    client.on('error', () => {}) // the running statement reports the error
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
      // A DO block counts as storing a setting, because its text is not read here.
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
