import type pg from 'pg'
import type { Queryable, Relation } from '../catalog/model.ts'
import { quoteIdentifier } from '../catalog/names.ts'
import { readCatalog } from '../catalog/read-catalog.ts'
import { ConfigurationError } from '../errors.ts'
import { makeProofs } from '../prove/proofs.ts'
import type { TenantLevel } from '../seal/seal.ts'
import { SealSource } from '../seal/seal-source.ts'
import { loadParser } from '../sql/parser.ts'
import { createSqlReader } from '../sql/reader.ts'
import { buildFacts } from '../tenancy/build-facts.ts'
import { discover } from '../tenancy/discovery/discover.ts'
import type { Facts } from '../tenancy/facts.ts'
import { settingText } from '../verify/attack/contexts.ts'

/** The tenant and user for whom a session acts. */
export interface TenantSubject {
  readonly tenant: string
  /** Default: nobody. */
  readonly user?: string | undefined
  /** The schema of the tenant's own tables. Default: the shared tables. */
  readonly placement?: string | undefined
  /** Further settings that the policies read, as `name=value`. */
  readonly set?: readonly string[] | undefined
  /** The root secret of the seal; undefined if it was not given. */
  readonly secret: string | undefined
  /** Whether the seal allows only reading. Default false. */
  readonly readOnly?: boolean | undefined
}

/** Reads the catalog as the client's role sees it, and runs discovery on it. */
export async function readFacts(
  client: pg.Client,
  { appRole, setting }: { readonly appRole?: string | undefined; readonly setting?: string | undefined },
): Promise<Facts> {
  await loadParser()
  await client.query('begin isolation level repeatable read read only')
  const db: Queryable = {
    query: (sql, values) => client.query(sql, values === undefined ? undefined : [...values]),
  }
  const catalog = await readCatalog(db)
  await client.query('rollback')
  const reader = createSqlReader()
  const tenancy = discover(catalog, reader, { appRole, setting })
  return buildFacts({ catalog, sql: reader, tenancy, sealed: false, loginDoubt: undefined, proofs: makeProofs })
}

const LEVELS: readonly TenantLevel[] = ['tenant_user', 'tenant_admin']

/**
 * The roles as which partywall's pools may run statements: the levels that the application can take, or else the application's login. The
 * code of the application chooses the level, and the database does not know which.
 *
 * @param table a pool without levels runs as the login, so a login that may read this table is one of the roles
 */
export function rolesOfPools({ acting, tenancy, reach }: Facts, table?: Relation): readonly [string, ...string[]] {
  const login = tenancy.appRole.name
  const [first, ...others] = LEVELS.filter((level) => acting.some(({ role }) => role.name === level))
  if (first === undefined) return [login]
  const isOpen = table !== undefined && reach(table, 'SELECT').some(({ role }) => role.name === login)
  return isOpen ? [first, ...others, login] : [first, ...others]
}

/**
 * Refuses the application's own login, and a role that does not exist.
 *
 * @param why the reason why the command must not run as the application's login
 * @throws {ConfigurationError} `PARTYWALL_CONFIGURATION` if the client is the application's login, and for a role that does not exist
 */
export function refuseRoles({ catalog, tenancy }: Facts, role: string, why: string): void {
  if (catalog.reader.name === tenancy.appRole.name)
    throw new ConfigurationError(
      `--database-url logs in as ${catalog.reader.name}, the application's login. Use the migration role: ${why}.`,
    )
  if (![...catalog.roles.values()].some(({ name }) => name === role))
    throw new ConfigurationError(`There is no role ${role}. Name another one with --role or --level.`)
}

/** Whether policies of this database test the seal. */
export function isSealed({ catalog }: Facts): boolean {
  return [...catalog.relations.values()].some((relation) =>
    relation.policies.some(({ name }) => name === 'tenant_seal_policy'),
  )
}

/**
 * Puts the open transaction of a client into the context of a tenant, as the pools do, and takes the role.
 *
 * @throws {ConfigurationError} `PARTYWALL_CONFIGURATION` if the client may not take the role, and for a context that needs further settings
 */
export async function enterTenant(
  client: pg.Client,
  facts: Facts,
  role: string,
  subject: TenantSubject,
): Promise<void> {
  for (const [name, value] of await contextOf(client, facts, role, subject))
    await client.query('select pg_catalog.set_config($1, $2, true)', [name, value]).catch((error: unknown) => {
      const message = error instanceof Error ? error.message : String(error)
      throw new ConfigurationError(`The setting ${name} can't be set: ${message}.`, { cause: error })
    })
  await client.query(`set local role ${quoteIdentifier(role)}`).catch((error: unknown) => {
    throw new ConfigurationError(
      `The role of --database-url can't run statements as ${role}. Use the migration role, or grant it: GRANT ${quoteIdentifier(role)} TO ${quoteIdentifier(facts.catalog.reader.name)};`,
      { cause: error },
    )
  })
}

type Setting = readonly [name: string, value: string]

async function contextOf(
  client: pg.Client,
  facts: Facts,
  role: string,
  subject: TenantSubject,
): Promise<readonly Setting[]> {
  const further = (subject.set ?? []).map((each): Setting => {
    const end = each.indexOf('=')
    return [each.slice(0, end), each.slice(end + 1)]
  })
  const { context } = facts.tenancy
  if (context.kind === 'key' && !further.some(([name]) => name === context.setting))
    throw new ConfigurationError(
      `The policies ask ${context.setting} for a key of ${context.table.label}, and not for a tenant. Give it with --set ${context.setting}=VALUE.`,
    )
  const own: readonly Setting[] =
    context.kind === 'key' ? [] : [[context.setting, settingText(context, subject.tenant)]]
  return [...own, ...(isSealed(facts) ? await sealOf(client, role, subject) : []), ...further]
}

const SEALED_SECONDS = 300

async function sealOf(
  client: pg.Client,
  role: string,
  { tenant, user = '', placement = '', secret, readOnly = false }: TenantSubject,
): Promise<readonly Setting[]> {
  if (secret === undefined) return []
  const { rows } = await client.query<{ database: string; pid: number }>(
    'select pg_catalog.current_database()::text as database, pg_catalog.pg_backend_pid() as pid',
  )
  const [place] = rows
  if (place === undefined) return []
  const level: TenantLevel = role === 'tenant_admin' ? 'tenant_admin' : 'tenant_user'
  const sealed = { tenantId: tenant, userId: user, actor: '', level, readOnly, placement }
  const notAfter = Math.floor(Date.now() / 1000) + SEALED_SECONDS
  const { maker } = new SealSource(secret)
  return [['app.tenant_seal', maker.seal(sealed, { database: place.database, backendPid: place.pid }, notAfter)]]
}
