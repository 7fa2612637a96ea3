import { randomBytes } from 'node:crypto'
import { readdir, readFile } from 'node:fs/promises'
import { join } from 'node:path'
import pg from 'pg'
import { startPostgres } from '../embedded/start-postgres.ts'
import { ConfigurationError } from '../errors.ts'
import { migrate } from '../migrate/migrate.ts'

/** A throw-away database for tests. */
interface KitDatabase {
  /** URL of a superuser, to whom no policy applies. It is used to insert rows and for checks. */
  readonly adminUrl: string
  /** The application's login role. */
  readonly appUrl: string
  /** The login role of `runAcrossTenants`, if there is one. */
  readonly acrossUrl: string | undefined
  readonly sealSecret: string
  close(): Promise<void>
}

/** A folder of migrations for a new PostgreSQL, or an existing database. */
export type KitDatabaseOptions =
  | {
      /** A folder. Its `*.sql` files run in the order of their names, after partywall's own migrations. */
      readonly migrations: string
      /** The application's login role; default `app`. */
      readonly appRole?: string | undefined
      /** The login role of crossings. Default: `app_across`, if it exists. */
      readonly acrossRole?: string | undefined
    }
  | {
      /** Superuser URL of a migrated database. */
      readonly databaseUrl: string
      readonly appUrl: string
      readonly acrossUrl?: string | undefined
      readonly sealSecret: string
    }

/** Opens or makes the database. */
export async function openKitDatabase(options: KitDatabaseOptions): Promise<KitDatabase> {
  if ('databaseUrl' in options) {
    const { databaseUrl: adminUrl, appUrl, acrossUrl, sealSecret } = options
    return { adminUrl, appUrl, acrossUrl, sealSecret, async close() {} }
  }
  const server = await startPostgres()
  try {
    const name = await server.createDatabase()
    const adminUrl = server.url(name)
    const sealSecret = randomBytes(32).toString('hex')
    const password = randomBytes(12).toString('hex')
    await migrate({ databaseUrl: adminUrl, sealSecret })
    const client = new pg.Client({ connectionString: adminUrl })
    await client.connect()
    try {
      for (const text of await readMigrations(options.migrations)) await client.query(text)
      const appUrl = await login(client, options.appRole ?? 'app', password)
      const acrossUrl = await login(client, options.acrossRole ?? 'app_across', password)
      if (appUrl === undefined) {
        throw new ConfigurationError(
          `startTestKit({ migrations }): the migrations create no role ${options.appRole ?? 'app'}. Name the application's role with appRole.`,
        )
      }
      return {
        adminUrl,
        appUrl: server.urlAs(appUrl, password, name),
        acrossUrl: acrossUrl === undefined ? undefined : server.urlAs(acrossUrl, password, name),
        sealSecret,
        close: () => server.stop(),
      }
    } finally {
      await client.end()
    }
  } catch (error) {
    await server.stop()
    throw error
  }
}

/** Migrations in the bytewise order of their names, as `partywall verify` reads them. */
async function readMigrations(folder: string): Promise<readonly string[]> {
  const names = (await readdir(folder)).filter((name) => name.endsWith('.sql') && !name.endsWith('.down.sql'))
  if (names.length === 0) throw new ConfigurationError(`startTestKit({ migrations }): there is no *.sql in ${folder}.`)
  const ordered = names.sort((a, b) => Buffer.compare(Buffer.from(a), Buffer.from(b)))
  return Promise.all(ordered.map((name) => readFile(join(folder, name), 'utf8')))
}

/** Gives a login role a password. Undefined if there is no such role. */
async function login(client: pg.Client, role: string, password: string): Promise<string | undefined> {
  const { rowCount } = await client.query('select from pg_catalog.pg_roles where rolname = $1 and rolcanlogin', [role])
  if (rowCount === 0) return undefined
  await client.query(`alter role ${pg.escapeIdentifier(role)} password ${pg.escapeLiteral(password)}`)
  return role
}
