import { ConfigurationError } from '../../src/errors.ts'

/**
 * The database URL of a command: the value of `--database-url` or, without this flag, of DATABASE_URL.
 *
 * @throws {ConfigurationError} `PARTYWALL_CONFIGURATION` if both are missing, or the value is not a PostgreSQL URL. The message names the
 *   source and never contains the value
 */
export function databaseUrlFrom(flag: string | undefined): string {
  const url = flag ?? process.env['DATABASE_URL']
  if (url === undefined || url === '') {
    throw new ConfigurationError('No database: give --database-url URL, or set DATABASE_URL.')
  }
  checkUrl(flag === undefined ? 'DATABASE_URL' : '--database-url', url)
  return url
}

/**
 * The database URL of a command: the value of `--database-url`, else the `databaseUrl` of `partywall.config.*` in the working folder, else
 * DATABASE_URL, which the `envFile` of the configuration may set. The code that reads the configuration is loaded only here, so that
 * `--help` does not load it.
 */
export async function projectDatabaseUrl(flag: string | undefined): Promise<string> {
  const { loadProjectConfig } = await import('../../src/config/project-config.ts')
  const config = await loadProjectConfig(process.cwd())
  return databaseUrlFrom(flag ?? config?.databaseUrl)
}

/** @throws {ConfigurationError} `PARTYWALL_CONFIGURATION` */
export function checkUrl(source: string, url: string): void {
  const protocol = URL.canParse(url) ? new URL(url).protocol : ''
  if (protocol === 'postgres:' || protocol === 'postgresql:') return
  // The message must not contain the value, because the value may contain a password.
  throw new ConfigurationError(
    `${source} is not a PostgreSQL URL. Its form is postgres://user:password@host:5432/database.`,
  )
}
