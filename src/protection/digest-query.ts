import pg from 'pg'
import { IS_OWN_MEMBERSHIP, OWN_ROLES } from './own-roles.ts'

/** One digest for each kind of object that protects tenants. If all digests are equal, nothing changed. */
export type ProtectionDigest = ReadonlyMap<string, string>

// PostgreSQL's own schemas, including temporary and TOAST schemas.
const SYSTEM = "select n.oid from pg_namespace n where n.nspname like 'pg\\_%' or n.nspname = 'information_schema'"
const FIRST_USER_OID = 16_384

/**
 * The digested catalog rows, as SQL that returns one text (`line`) per row.
 *
 * PostgreSQL writes a new version of a catalog row for each change, so its `xmin` shows a change without reading the row. Bodies and
 * expressions of 1,000 tables are megabytes. Printing them (`pg_get_expr`) would also wait for the lock of a migration that rewrites a
 * table.
 * If a new version has the same content, the full reading finds no change.
 */
function categories(tenantColumns: readonly string[]): Readonly<Record<string, string>> {
  const columns = tenantColumns.map((name) => pg.escapeLiteral(name)).join(', ')
  const version = (table: string, where: string, key = 'oid') =>
    `select concat_ws(' ', ${key}, x.xmin) as line from ${table} x where ${where}`
  return {
    relations: version(
      'pg_class',
      `x.relkind in ('r', 'p', 'v', 'm', 'f') and x.relpersistence <> 't' and x.relnamespace not in (${SYSTEM})`,
    ),
    columns: version(
      'pg_attribute',
      // All columns of all tables are read. The cast to bigint prevents an index scan, which would take three times as long.
      `(x.attname in (${columns}) or x.attacl is not null) and x.attrelid::bigint >= ${FIRST_USER_OID} and not x.attisdropped`,
      'x.attrelid, x.attnum',
    ),
    policies: version('pg_policy', 'true'),
    triggers: version('pg_trigger', 'not x.tgisinternal'),
    rules: version('pg_rewrite', `x.ev_class >= ${FIRST_USER_OID}`),
    inheritance: version('pg_inherits', 'true', 'x.inhrelid, x.inhparent'),
    functions: version('pg_proc', `x.pronamespace not in (${SYSTEM})`),
    operators: `${version('pg_operator', `x.oid >= ${FIRST_USER_OID}`, "'operator', x.oid")}
      union all ${version('pg_cast', `x.oid >= ${FIRST_USER_OID}`, "'cast', x.oid")}`,
    // The application may not read pg_authid, so the contents of the view are digested instead of xmin.
    roles: `
      select row(r.oid, r.rolname, r.rolsuper, r.rolinherit, r.rolcreaterole, r.rolcreatedb, r.rolcanlogin, r.rolreplication, r.rolbypassrls)::text as line
        from pg_roles r where r.oid in (select i.oid from own_roles i)`,
    memberships: `select (to_jsonb(m) - 'oid' - 'grantor')::text as line from pg_auth_members m where ${IS_OWN_MEMBERSHIP}`,
    settings: `
      select row(s.setdatabase, s.setrole, s.setconfig)::text as line from pg_db_role_setting s
       where s.setdatabase in (0, (select d.oid from pg_database d where d.datname = current_database()))
         and (s.setrole = 0 or s.setrole in (select i.oid from own_roles i))`,
    rights: `
      select row('database', d.datdba, d.datacl)::text as line from pg_database d where d.datname = current_database()
      union all ${version('pg_namespace', `x.oid not in (${SYSTEM})`, "'schema', x.oid")}`,
  }
}

/**
 * The comparison: one statement that returns a dozen short rows, one per kind of object, with the number of rows and the sum of their
 * hashes. A sum needs no sort. Names are looked up only in `pg_catalog`; see {@link pinned}.
 */
export function digestQuery(tenantColumns: readonly string[]): string {
  const digests = Object.entries(categories(tenantColumns))
    .map(
      ([name, lines]) => `
    select '${name}' as category, count(*) || ' ' || coalesce(sum(hashtextextended(l.line, 0)), 0) as digest
      from (${lines}) l`,
    )
    .join('\n    union all')
  return `with recursive ${OWN_ROLES}${digests}`
}

/**
 * Wraps a statement in a separate transaction with fixed settings: a stored `search_path` can't put another operator
 * before PostgreSQL's, and a stored time-out can't end it. It takes one round trip, and works behind a transaction pooler.
 */
export function pinned(statement: string, timeoutMs: number): string {
  return `begin read only; set local search_path = pg_catalog, pg_temp; set local role none; set local quote_all_identifiers = off;
    set local statement_timeout = ${Math.ceil(timeoutMs)}; set local lock_timeout = ${Math.ceil(timeoutMs)}; ${statement}; commit`
}
