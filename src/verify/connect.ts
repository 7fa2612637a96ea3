import pg from 'pg'
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
  const code = error instanceof Error && 'code' in error ? error.code : undefined
  switch (code) {
    case '28P01':
    case '28000':
      return 'The database refuses this user or password.'
    case '3D000':
      return 'There is no such database on this server.'
    case 'ECONNREFUSED':
    case 'ENOTFOUND':
    case 'EAI_AGAIN':
    case 'ETIMEDOUT':
    case 'EHOSTUNREACH':
      return 'The database server does not answer. Is it running, and are host and port of its URL right?'
    default:
      return `The database can't be reached: ${error instanceof Error ? error.message : String(error)}`
  }
}
