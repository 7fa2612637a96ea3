import type { Catalog } from '../../catalog/catalog.ts'
import type { Queryable } from '../../catalog/model.ts'
import type { Facts } from '../../tenancy/facts.ts'
import type { ExaminedServer } from './examined.ts'

/** Settings that decide whether policies apply, how names are found, or how text is read. */
const SETTINGS = [
  'server_version',
  'server_encoding',
  'row_security',
  'session_replication_role',
  'search_path',
  'default_transaction_isolation',
  'default_transaction_read_only',
  'standard_conforming_strings',
  'plan_cache_mode',
  'check_function_bodies',
  'createrole_self_grant',
  'restrict_nonsystem_relation_kind',
  'shared_preload_libraries',
  'session_preload_libraries',
  'local_preload_libraries',
]

/**
 * Stored settings whose values are not secret. Other values are not printed, because applications also store keys of tokens as settings of
 * a database.
 */
const PLAIN = new Set([
  'search_path',
  'role',
  'row_security',
  'session_replication_role',
  'statement_timeout',
  'lock_timeout',
  'idle_in_transaction_session_timeout',
  'transaction_timeout',
  'default_transaction_isolation',
  'default_transaction_read_only',
  'timezone',
])

/** Facts that are read from the server itself. Settings that are stored for roles and databases are in the catalog. */
export interface ServerFacts extends Omit<ExaminedServer, 'stored'> {
  /**
   * True if the server was started for the run. Its identifier and its other roles then say nothing, and the report must be the same in
   * each run.
   */
  readonly isOwn: boolean
}

/**
 * Reads the settings with which a new session of this server begins. A setting that the reading role may not see is left out.
 *
 * @param isOwn whether the server was started for the run
 */
export async function readServerFacts(db: Queryable, catalog: Catalog, isOwn: boolean): Promise<ServerFacts> {
  const { rows } = await db.query<{ name: string; value: string }>(
    `select name, coalesce(reset_val, '') as value from pg_catalog.pg_settings where name = any($1) order by name`,
    [SETTINGS],
  )
  const version = await db.query<{ version: string }>('select pg_catalog.version() as version')
  return {
    isOwn,
    reader: catalog.reader,
    identifier: isOwn ? undefined : await identifierOf(db),
    version: version.rows[0]?.version ?? '',
    settings: rows.map(({ name, value }) => ({ name, value })),
    extensions: catalog.extensions.map(({ name, version: number, schema }) => `${name} ${number} in ${schema}`).sort(),
  }
}

/** The system identifier that initdb gave to the server. Its replicas have the same identifier. Undefined if the role may not read it. */
async function identifierOf(db: Queryable): Promise<string | undefined> {
  const { rows } = await db.query<{ may: boolean }>(
    `select pg_catalog.has_function_privilege('pg_catalog.pg_control_system()', 'execute') as may`,
  )
  if (rows[0]?.may !== true) return undefined
  const found = await db.query<{ id: string }>(
    'select system_identifier::text as id from pg_catalog.pg_control_system()',
  )
  return found.rows[0]?.id
}

/** Settings that are stored for this database, for the roles in reach, and for owners of the judged relations. */
export function storedSettingsOf({ catalog, acting, becomable, relations, roleName }: Facts): readonly string[] {
  const roles = new Set([
    0,
    ...[...acting, ...becomable].map(({ role }) => role.oid),
    ...relations.map(({ owner }) => owner),
  ])
  return catalog.storedSettings
    .filter(({ role }) => roles.has(role))
    .map(({ role, database, name, value }) => {
      const whose = [role === 0 ? '' : `role ${roleName(role)}`, database === 0 ? '' : 'this database'].filter(Boolean)
      return `${whose.join(' in ')}: ${name}${PLAIN.has(name.toLowerCase()) ? ` = ${value}` : ' (its value is not printed)'}`
    })
    .sort()
}
