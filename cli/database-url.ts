import { ConfigurationError } from '../src/errors.ts'

/**
 * The database of a command: its flag, else DATABASE_URL.
 *
 * @throws {ConfigurationError} `PARTYWALL_CONFIGURATION` that names which of the two is missing or no URL, never its value
 */
export function databaseUrlFrom(flag: string | undefined): string {
  const url = flag ?? process.env['DATABASE_URL']
  if (url === undefined || url === '') {
    throw new ConfigurationError('No database: give --database-url URL, or set DATABASE_URL.')
  }
  checkUrl(flag === undefined ? 'DATABASE_URL' : '--database-url', url)
  return url
}

/** @throws {ConfigurationError} `PARTYWALL_CONFIGURATION` */
export function checkUrl(source: string, url: string): void {
  const protocol = URL.canParse(url) ? new URL(url).protocol : ''
  if (protocol === 'postgres:' || protocol === 'postgresql:') return
  // Never the value: it may hold a password.
  throw new ConfigurationError(
    `${source} is no PostgreSQL URL: postgres://user:password@host:5432/database is expected.`,
  )
}
