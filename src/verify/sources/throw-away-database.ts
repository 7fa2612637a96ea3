import { randomBytes } from 'node:crypto'
import pg from 'pg'
import { startPostgres } from '../../embedded/start-postgres.ts'
import type { ThrowAwayServer } from '../../embedded/throw-away-server.ts'
import { migrate } from '../../migrate/migrate.ts'
import { readOwnMigrations } from '../../migrate/own-migrations.ts'
import { appRoleLines, freeRoleName, grantLines } from '../../tenancy/app-role-sql.ts'
import type { InputFile, MadeRole } from './prepared-source.ts'
import { storeSealKey } from './store-seal-key.ts'

/** A new database, made for one run. A source fills it, and `verify` then attacks it. */
export interface ThrowAwayDatabase {
  readonly name: string
  /** Superuser URL. */
  readonly url: string
  /** A random root secret. `applyOwn` and `addSealKey` store its key in the database. */
  readonly sealSecret: string
  readonly serverVersion: number
  /** The sentence of the report about the server. */
  readonly serverNote: string
  /** Roles of the server before the source was run. */
  readonly knownRoles: ReadonlySet<string>
  /**
   * Grants TEMPORARY on the database to PUBLIC. This is PostgreSQL's default, but a throw-away server revokes it. verify must judge a
   * schema with the privileges that it will have in production.
   */
  grantDefaults(): Promise<void>
  /** Runs statements as superuser, in one transaction. */
  run(text: string): Promise<void>
  /** Applies partywall's own migrations, and returns them. */
  applyOwn(): Promise<readonly InputFile[]>
  /** Whether the database has no table or view outside of the schema partywall. */
  isEmpty(): Promise<boolean>
  /** Adds the seal key, if the source created the schema partywall. Returns whether the key was added. */
  addSealKey(): Promise<boolean>
  /** Creates a login with the usual grants on every table that the source created. */
  makeAppRole(): Promise<MadeRole>
  /** Notes a role that is dropped together with the database, on a server that was not started for this run. */
  remember(role: string): void
  close(): Promise<void>
}

/** The line of progress before {@link openThrowAwayDatabase}. */
export function openingLine(server: ThrowAwayServer | undefined, what: string): string {
  const external = server?.external ?? (process.env['PARTYWALL_POSTGRES_URL'] ?? '') !== ''
  return external
    ? `making a database on the server of PARTYWALL_POSTGRES_URL for ${what}`
    : `starting PostgreSQL for ${what}`
}

/** Starts an embedded PostgreSQL, or uses the one that `PARTYWALL_POSTGRES_URL` names, and creates a database there. */
export async function openThrowAwayDatabase(server?: ThrowAwayServer): Promise<ThrowAwayDatabase> {
  const owned = server ?? (await startPostgres())
  try {
    // Findings and keys of baselines may contain the database's name. On an own server, use the same name in each run.
    const name = await owned.createDatabase(owned.external ? {} : { name: 'partywall_verify' })
    return await fill(owned, name, server === undefined)
  } catch (error) {
    if (server === undefined) await owned.stop()
    throw error
  }
}

async function fill(server: ThrowAwayServer, name: string, stops: boolean): Promise<ThrowAwayDatabase> {
  const url = server.url(name)
  const sealSecret = randomBytes(32).toString('hex')
  const roles = await withClient(url, (client) => client.query<{ rolname: string }>('select rolname from pg_roles'))
  const made = new Set<string>()
  return {
    name,
    url,
    sealSecret,
    serverVersion: server.versionNumber,
    serverNote: `PostgreSQL ${Math.floor(server.versionNumber / 10_000)}${server.external ? ' of PARTYWALL_POSTGRES_URL, in a database made for this run' : ', started for this run'}`,
    knownRoles: new Set(roles.rows.map((row) => row.rolname)),
    async grantDefaults() {
      const text = `grant temporary on database ${pg.escapeIdentifier(name)} to public`
      await withClient(url, (client) => client.query(text))
    },
    async run(text) {
      await withClient(url, (client) => client.query(text))
    },
    async applyOwn() {
      await migrate({ databaseUrl: url, sealSecret })
      const own = await readOwnMigrations()
      return own.map(({ name, sql, checksum }) => ({ name, bytes: Buffer.byteLength(sql), sha256: checksum }))
    },
    isEmpty: () => withClient(url, isEmpty),
    addSealKey: () =>
      withClient(url, (client) =>
        storeSealKey(
          { query: (text, values) => client.query(text, values === undefined ? undefined : [...values]) },
          sealSecret,
        ),
      ),
    remember: (role) => void made.add(role),
    async makeAppRole() {
      made.add(APP_ROLE)
      return withClient(url, makeAppRole)
    },
    async close() {
      await server.dropDatabase(name)
      if (server.external) for (const role of made) await dropRole(server.url(), role)
      if (stops) await server.stop()
    },
  }
}

/** The application's role if no file names one. */
const APP_ROLE = 'app_for_this_run'

const USERS_SCHEMAS = `
select nspname as name from pg_catalog.pg_namespace
where nspname !~ '^pg_' and nspname not in ('information_schema', 'partywall')
  and not exists (select from pg_catalog.pg_depend where classid = 'pg_namespace'::regclass and objid = pg_namespace.oid and deptype = 'e')
order by nspname`

async function makeAppRole(client: pg.Client): Promise<MadeRole> {
  const schemas = (await client.query<{ name: string }>(USERS_SCHEMAS)).rows.map(({ name }) => name)
  const roles = await client.query<{ name: string }>('select rolname as name from pg_catalog.pg_roles')
  const taken = new Set(roles.rows.map(({ name }) => name))
  const lines = taken.has(APP_ROLE) ? grantLines(APP_ROLE, schemas) : appRoleLines(APP_ROLE, schemas)
  await client.query(lines.join('\n'))
  return { name: APP_ROLE, setUp: appRoleLines(freeRoleName(taken), schemas) }
}

async function isEmpty(client: pg.Client): Promise<boolean> {
  const { rows } = await client.query<{ empty: boolean }>(
    `select not exists (select from pg_catalog.pg_class c join pg_catalog.pg_namespace n on n.oid = c.relnamespace
       where c.oid >= 16384 and c.relkind in ('r', 'p', 'v', 'm', 'f') and n.nspname <> 'partywall' and n.nspname !~ '^pg_'
         and not exists (select from pg_catalog.pg_depend d where d.classid = 'pg_class'::regclass and d.objid = c.oid and d.deptype = 'e')) as empty`,
  )
  return rows[0]?.empty === true
}

/** Drops a role. If another database still needs it, the role is kept. */
async function dropRole(url: string, role: string): Promise<void> {
  await withClient(url, (client) => client.query(`drop role if exists ${pg.escapeIdentifier(role)}`)).catch(() => {})
}

async function withClient<T>(url: string, work: (client: pg.Client) => Promise<T>): Promise<T> {
  const client = new pg.Client({ connectionString: url, application_name: 'partywall verify' })
  client.on('error', () => {}) // the running statement reports the error
  await client.connect()
  try {
    return await work(client)
  } finally {
    await client.end()
  }
}
