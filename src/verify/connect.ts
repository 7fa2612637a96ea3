import pg from 'pg'
import { connectionProblem } from '../config/connection-problem.ts'
import { ConfigurationError } from '../errors.ts'

/**
 * Opens one connection. An abort closes it, and the server rolls back the open transaction.
 *
 * @throws {ConfigurationError} `PARTYWALL_CONFIGURATION` with an explanation, such as for an unreachable server, a wrong password or a
 * missing database
 */
export async function connect(url: string, signal: AbortSignal | undefined): Promise<pg.Client> {
  signal?.throwIfAborted()
  const client = new pg.Client({
    connectionString: url,
    connectionTimeoutMillis: 10_000,
    application_name: 'partywall verify',
  })
  client.on('error', () => {}) // the running query gets the error too, and its caller handles it
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
