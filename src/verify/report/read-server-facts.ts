import type { Catalog } from '../../catalog/catalog.ts'
import type { Queryable } from '../../catalog/model.ts'
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

/** Stored settings whose values are no secret. Applications also store keys of tokens as settings of a database. */
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

/** Reads what a new session of this server has. A setting that the reading role may not see is left out. */
export async function readServerFacts(db: Queryable, catalog: Catalog): Promise<ExaminedServer> {
  const { rows } = await db.query<{ name: string; value: string }>(
    `select name, coalesce(reset_val, '') as value from pg_catalog.pg_settings where name = any($1) order by name`,
    [SETTINGS],
  )
  const version = await db.query<{ version: string }>('select pg_catalog.version() as version')
  const roleOf = (oid: number) => catalog.roles.get(oid)?.name ?? String(oid)
  return {
    version: version.rows[0]?.version ?? '',
    settings: rows.map(({ name, value }) => ({ name, value })),
    stored: catalog.storedSettings
      .map(({ role, database, name, value }) => {
        const owner = [role === 0 ? '' : `role ${roleOf(role)}`, database === 0 ? '' : 'this database'].filter(Boolean)
        return `${owner.join(' in ')}: ${name}${PLAIN.has(name.toLowerCase()) ? ` = ${value}` : ' (its value is not printed)'}`
      })
      .sort(),
    extensions: catalog.extensions.map(({ name, version: number, schema }) => `${name} ${number} in ${schema}`).sort(),
  }
}
