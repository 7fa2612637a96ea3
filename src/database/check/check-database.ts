import { runWithTenant } from '../../context/run-with-tenant.ts'
import { ConfigurationError } from '../../errors.ts'
import { GROUND, readOwnMigrations } from '../../migrate/own-migrations.ts'
import { SEALED_FOR_WRITING, sealedRow } from '../../seal/policy-text.ts'
import type { WalledPool } from '../pool/walled-pool.ts'
import { DANGEROUS_ROLES, FACTS_TEXT, type LoginFacts, TABLES_TEXT, type TableFacts } from './check-facts.ts'
import type { DatabaseFinding } from './database-finding.ts'
import { lookupFindings } from './lookup-schemas.ts'
import { sealFindings } from './seal-state.ts'

export interface CheckOptions {
  /** Columns that make a table a tenant's table; default `['tenant_id']`. */
  readonly tenantColumns?: readonly string[] | undefined
}

const OLDEST_SERVER = 150_000

/** Checks the database for `wall.ready()` through the application's own login. Returns all findings at once. */
export async function checkDatabase(pool: WalledPool, options: CheckOptions = {}): Promise<readonly DatabaseFinding[]> {
  const { rows: factRows } = await pool.runAsLogin(FACTS_TEXT)
  const facts: LoginFacts | undefined = factRows[0]
  if (facts === undefined) throw new ConfigurationError('PostgreSQL did not answer what the login role is.')
  const { rows: tables } = await pool.runAsLogin(TABLES_TEXT, [options.tenantColumns ?? ['tenant_id']])
  const sealed = pool.settings.seal !== undefined
  return [
    ...serverFindings(facts),
    ...roleFindings(facts),
    ...rightsFindings(facts),
    ...settingFindings(facts),
    ...tables.flatMap((table: TableFacts) => tableFindings(table, sealed, facts)),
    ...(sealed ? await sealFindings(pool) : []),
    ...(await lookupFindings(pool, options.tenantColumns ?? ['tenant_id'])),
    ...(await migrationFindings(pool, sealed)),
  ]
}

/** @throws {ConfigurationError} `PARTYWALL_CONFIGURATION` with every error that was found and its fix */
export function refuseFindings(findings: readonly DatabaseFinding[]): void {
  const errors = findings.filter((finding) => finding.severity === 'error')
  if (errors.length === 0) return
  const lines = errors.map((finding) => `${finding.message}\n      ${finding.fix.replaceAll('\n', '\n      ')}`)
  throw new ConfigurationError(`The database is not ready for tenants:\n  - ${lines.join('\n  - ')}`, {
    details: { findings: errors },
  })
}

function error(id: string, object: string, message: string, fix: string): DatabaseFinding {
  return { id, severity: 'error', object, message, fix }
}

function serverFindings({ version, encoding, database }: LoginFacts): DatabaseFinding[] {
  const found: DatabaseFinding[] = []
  if (version < OLDEST_SERVER) {
    found.push(
      error(
        'server-too-old',
        'server',
        `PostgreSQL ${Math.floor(version / 10_000)} is too old.`,
        'Use PostgreSQL 15 or later.',
      ),
    )
  }
  if (encoding !== 'UTF8') {
    // The seal contains the length of each field in characters. A server that counts bytes would read the fields wrongly.
    found.push(
      error(
        'database-encoding',
        database,
        `The database ${database} is encoded as ${encoding}: the server would read the seal wrongly.`,
        "CREATE DATABASE … TEMPLATE template0 ENCODING 'UTF8'; and move the data there.",
      ),
    )
  }
  return found
}

function roleFindings({
  login,
  loginQuoted,
  isSuperuser,
  bypasses,
  ownsTables,
  reachable,
}: LoginFacts): DatabaseFinding[] {
  const found: DatabaseFinding[] = []
  if (isSuperuser) {
    found.push(
      error(
        'role-superuser',
        login,
        `${login} is a superuser: no policy applies to it.`,
        `ALTER ROLE ${loginQuoted} NOSUPERUSER;`,
      ),
    )
  }
  if (bypasses) {
    found.push(
      error(
        'role-bypassrls',
        login,
        `${login} has BYPASSRLS: no policy applies to it.`,
        `ALTER ROLE ${loginQuoted} NOBYPASSRLS;`,
      ),
    )
  }
  if (ownsTables.length > 0) {
    found.push(
      error(
        'role-owner',
        login,
        `${login} owns ${ownsTables.join(', ')}: an owner can switch row-level security off.`,
        ownsTables.map((table) => `ALTER TABLE ${table} OWNER TO <a role nobody logs in as>;`).join('\n'),
      ),
    )
  }
  for (const role of reachable) {
    const dangers = [
      role.isSuperuser ? 'is a superuser' : '',
      role.bypasses ? 'has BYPASSRLS' : '',
      role.createsRoles ? 'can create roles' : '',
      role.ownsTables ? 'owns tables in reach' : '',
      DANGEROUS_ROLES[role.name] ?? '',
    ].filter((danger) => danger !== '')
    if (dangers.length === 0) continue
    found.push(
      error(
        'role-reaches-more',
        role.name,
        `${login} can become ${role.name}, which ${dangers.join(' and ')}.`,
        `REVOKE ${role.quoted} FROM ${loginQuoted};`,
      ),
    )
  }
  return found
}

function rightsFindings({ login, loginQuoted, database, mayTemp, mayCreateIn }: LoginFacts): DatabaseFinding[] {
  const found: DatabaseFinding[] = []
  if (mayTemp.length > 0) {
    found.push(
      error(
        'grant-temporary',
        login,
        `${mayTemp.join(', ')} may create temporary objects, which outlive a request on its connection.`,
        `REVOKE TEMPORARY ON DATABASE ${database} FROM PUBLIC, ${mayTemp.join(', ')};`,
      ),
    )
  }
  for (const schema of mayCreateIn) {
    found.push(
      error(
        'grant-create',
        schema,
        `${login} may create objects in schema ${schema}.`,
        `REVOKE CREATE ON SCHEMA ${schema} FROM PUBLIC, ${loginQuoted};`,
      ),
    )
  }
  return found
}

/**
 * Findings about settings that are stored for a role. `ALTER ROLE CURRENT_USER SET …` needs no privilege, and the setting stays after the
 * pool is closed.
 */
function settingFindings({ storedSettings }: LoginFacts): DatabaseFinding[] {
  return storedSettings.map(({ role, setting, dangerous }) => ({
    id: 'role-setting',
    severity: dangerous ? 'error' : 'warning',
    object: role,
    message: `${role} has a stored setting, ${setting}: any SQL that runs as this role can store such a setting, and it stays after the pool is closed.`,
    fix: `ALTER ROLE ${role} RESET ${setting};  -- or RESET ${setting} IN DATABASE`,
  }))
}

function tableFindings(table: TableFacts, sealed: boolean, { version }: LoginFacts): DatabaseFinding[] {
  const { name, column } = table
  const found: DatabaseFinding[] = []
  if (!table.enabled) {
    found.push(
      error(
        'table-without-rls',
        name,
        `${name} has ${column} but no row-level security.`,
        `ALTER TABLE ${name} ENABLE ROW LEVEL SECURITY;`,
      ),
    )
  }
  if (!table.forced) {
    found.push(
      error(
        'table-not-forced',
        name,
        `${name} does not force row-level security on its owner.`,
        `ALTER TABLE ${name} FORCE ROW LEVEL SECURITY;`,
      ),
    )
  }
  if (table.enabled && !table.hasPolicy) {
    found.push(
      error('table-without-policy', name, `${name} has no policy: nobody sees a row.`, 'Run: partywall protect'),
    )
  }
  if (table.mayTruncate) {
    const rights = version >= 170_000 ? 'TRUNCATE, REFERENCES, TRIGGER, MAINTAIN' : 'TRUNCATE, REFERENCES, TRIGGER'
    found.push(
      error(
        'grant-truncate',
        name,
        `The application may TRUNCATE ${name}, and no policy applies to that.`,
        `REVOKE ${rights} ON ${name} FROM tenant_user, tenant_admin, PUBLIC;`,
      ),
    )
  }
  for (const role of sealed ? table.unsealedRoles : []) {
    found.push(
      error(
        'policy-unsealed',
        name,
        `${name} has no seal policy for ${role}: its tenant can be switched by one SELECT.`,
        `CREATE POLICY tenant_seal_policy ON ${name} AS RESTRICTIVE FOR ALL TO ${role}\n` +
          `  USING (${sealedRow(column, table.columnType)})\n` +
          `  WITH CHECK (${sealedRow(column, table.columnType)});\n` +
          `CREATE POLICY tenant_write_policy ON ${name} AS RESTRICTIVE FOR ALL TO ${role} WITH CHECK (${SEALED_FOR_WRITING});`,
      ),
    )
  }
  return found
}

const PROBE = 'partywall-check'

/** Migrations that isolation does not depend on. Processes of this release may start before these migrations are applied. */
const WORKS_WITHOUT: ReadonlyMap<string, string> = new Map([
  ['0016_tickets.sql', 'until then, each statement checks its whole seal, which is slower'],
  ['0018_schemas.sql', 'until then, no tenant can have a schema of its own'],
  ['0017_cheaper_events.sql', 'until then, each event of the audit log costs more'],
  ['0019_revocations.sql', 'until then, wall.revokeToken() and wall.revokeUser() are refused'],
  ['0020_tickets_of_many_tenants.sql', 'until then, statements are slow where there are very many tenants'],
  ['0021_ended_moves.sql', 'until then, a killed move of a tenant leaves its REPEATABLE READ transactions refused'],
  [
    '0022_passing_roles.sql',
    'until then, partywall.install_schema() fails if somebody drops a role of the application meanwhile',
  ],
])

/**
 * Findings about pending migrations and the seal. To see whether the database has the key of this application's secret, a seal is made and
 * the database reads it.
 */
async function migrationFindings(pool: WalledPool, sealed: boolean): Promise<DatabaseFinding[]> {
  const probe = <T>(fn: () => Promise<T>) => runWithTenant({ tenantId: PROBE, userId: PROBE }, fn)
  const migrate = 'partywall migrate --database-url <URL of the migration role>'
  const files = (await readOwnMigrations()).map((file) => file.name).filter((name) => name !== GROUND)
  const applied = await probe(() => appliedFiles(pool))
  const pending = files.filter((name) => !applied.includes(name))
  const found = pending.map((name): DatabaseFinding => {
    const slower = WORKS_WITHOUT.get(name)
    if (slower === undefined || applied.length === 0)
      return error('migration-pending', name, `partywall's own migration ${name} is pending.`, migrate)
    const message = `partywall's own migration ${name} is pending: ${slower}.`
    return { id: 'migration-pending', severity: 'warning', object: name, message, fix: migrate }
  })
  if (!sealed || applied.length === 0) return found
  try {
    const { rows } = await probe(() => pool.ask('select partywall.tenant_id() as tenant'))
    if (rows[0]?.tenant !== PROBE)
      found.push(
        error(
          'seal-not-read',
          'partywall.tenant_id()',
          'The database does not read the tenant from a valid seal.',
          migrate,
        ),
      )
  } catch (problem) {
    const message = problem instanceof Error ? problem.message : String(problem)
    found.push(
      error(
        'seal-refused',
        'partywall.seal_keys',
        `The database refuses this application's seal (${message}).`,
        `PARTYWALL_SEAL_SECRET=<the secret of this application> ${migrate} (add --rotate where the database knows an older secret)`,
      ),
    )
  }
  return found
}

async function appliedFiles(pool: WalledPool): Promise<readonly string[]> {
  try {
    const { rows } = await pool.ask('select name from partywall.applied_migrations() as name')
    return rows.map((row: { name: string }) => row.name)
  } catch (problem) {
    // 42883, 3F000, 42501: the schema or function does not exist or may not be used, so no migration is known to be applied.
    if (problem instanceof Error && 'code' in problem && ['42883', '3F000', '42501'].includes(String(problem.code)))
      return []
    throw problem
  }
}
