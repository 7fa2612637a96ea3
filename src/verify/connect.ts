import pg from 'pg'
import { connectionProblem } from '../config/connection-problem.ts'
import { ConfigurationError } from '../errors.ts'

/**
 * Opens one connection. An abort destroys it, and the server rolls back what was open.
 *
 * @throws {ConfigurationError} `PARTYWALL_CONFIGURATION` with a sentence for: unreachable, wrong password, no such database
 */
export async function connect(url: string, signal: AbortSignal | undefined): Promise<pg.Client> {
  signal?.throwIfAborted()
  const client = new pg.Client({
    connectionString: url,
    connectionTimeoutMillis: 10_000,
    application_name: 'partywall verify',
  })
  client.on('error', () => {}) // the running query is told too, and that is where it is handled
  signal?.addEventListener('abort', () => void client.end().catch(() => {}), { once: true })
  try {
    await client.connect()
    return client
  } catch (error) {
    await client.end().catch(() => {})
    throw new ConfigurationError(describe(error), { cause: error })
  }
}

function describe(error: unknown): string {
  const problem = connectionProblem(error, 'The URL of the database')
  return problem ?? `The database can't be reached: ${error instanceof Error ? error.message : String(error)}`
}
