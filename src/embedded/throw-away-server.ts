import { randomBytes } from 'node:crypto'
import pg from 'pg'

/** A throw-away PostgreSQL server: an embedded one, or the one that `PARTYWALL_POSTGRES_URL` names. */
export interface ThrowAwayServer {
  /** True if the user named the server. At the end, only the databases that this run created are removed. */
  readonly external: boolean
  /** `server_version_num`: 180004 is 18.4. */
  readonly versionNumber: number
  /** Superuser URL of a database. Without a name: of the maintenance database. */
  url(database?: string): string
  /** URL of a database for another role. */
  urlAs(role: string, password: string, database: string): string
  /**
   * Creates a database and returns its name.
   *
   * PostgreSQL does not copy the privileges on a template database to the new database, so TEMPORARY is revoked from PUBLIC again.
   */
  createDatabase(options?: { readonly name?: string; readonly template?: string }): Promise<string>
  dropDatabase(name: string): Promise<void>
  /** Stops the server. On an external server, only drops the databases that this run created. Idempotent. */
  stop(): Promise<void>
}

/** Returns the database operations of a server whose maintenance database answers at `maintenanceUrl`. */
export async function openThrowAwayServer(
  maintenanceUrl: string,
  options: { readonly external: boolean; readonly end: () => Promise<void> },
): Promise<ThrowAwayServer> {
  const made = new Set<string>()
  let stopped: Promise<void> | undefined

  function url(database?: string): string {
    if (database === undefined) return maintenanceUrl
    const parsed = new URL(maintenanceUrl)
    parsed.pathname = `/${encodeURIComponent(database)}`
    return parsed.href
  }

  async function dropDatabase(name: string): Promise<void> {
    await administer(`drop database if exists ${pg.escapeIdentifier(name)} with (force)`)
    made.delete(name)
  }

  async function administer(...statements: readonly string[]): Promise<pg.QueryResult | undefined> {
    const client = new pg.Client({ connectionString: maintenanceUrl })
    client.on('error', () => {}) // the server may stop meanwhile; the query then reports the error
    await client.connect()
    try {
      let result: pg.QueryResult | undefined
      for (const statement of statements) result = await client.query(statement)
      return result
    } finally {
      await client.end()
    }
  }

  async function stopOnce(): Promise<void> {
    if (options.external) for (const name of [...made]) await dropDatabase(name)
    await options.end()
  }

  const version = await administer('show server_version_num')
  const versionNumber = Number(version?.rows[0]?.server_version_num)

  return {
    external: options.external,
    versionNumber,
    url,
    urlAs(role, password, database) {
      const parsed = new URL(url(database))
      parsed.username = encodeURIComponent(role)
      parsed.password = encodeURIComponent(password)
      return parsed.href
    },
    async createDatabase({ name = `partywall_${randomBytes(6).toString('hex')}`, template } = {}) {
      const quoted = pg.escapeIdentifier(name)
      made.add(name)
      await administer(
        `create database ${quoted}${template === undefined ? '' : ` template ${pg.escapeIdentifier(template)}`}`,
        `revoke temporary on database ${quoted} from public`,
      )
      return name
    },
    dropDatabase,
    stop() {
      stopped ??= stopOnce()
      return stopped
    },
  }
}
