import pg from 'pg'

/** One digest for each kind of object that protects tenants; equal digests mean that nothing changed. */
export type ProtectionDigest = ReadonlyMap<string, string>

// Schemas of PostgreSQL's own; temporary and TOAST schemas among them.
const SYSTEM = "select n.oid from pg_namespace n where n.nspname like 'pg\\_%' or n.nspname = 'information_schema'"
const FIRST_USER_OID = 16_384

/**
 * What is digested, as SQL that gives one text (`line`) a row. Raw catalog columns: `pg_get_expr` would wait for the lock of a
 * migration that rewrites a table, and costs more.
 */
function categories(tenantColumns: readonly string[]): Readonly<Record<string, string>> {
  const columns = tenantColumns.map((name) => pg.escapeLiteral(name)).join(', ')
  return {
    relations: `
      select row(c.oid, c.relname, c.relnamespace, c.relkind, c.relowner, c.relrowsecurity, c.relforcerowsecurity, c.relacl, c.reloptions)::text as line
        from pg_class c where c.relkind in ('r', 'p', 'v', 'm', 'f') and c.relpersistence <> 't' and c.relnamespace not in (${SYSTEM})`,
    columns: `
      select row(a.attrelid, a.attnum, a.attname, a.atttypid, a.attacl)::text as line from pg_attribute a
       where a.attrelid >= ${FIRST_USER_OID} and not a.attisdropped and (a.attname in (${columns}) or a.attacl is not null)`,
    policies: `
      select row(p.polrelid, p.polname, p.polcmd, p.polpermissive, p.polroles, p.polqual, p.polwithcheck)::text as line from pg_policy p`,
    triggers: `
      select row(t.tgrelid, t.tgname, t.tgfoid, t.tgtype, t.tgenabled, t.tgattr, t.tgqual)::text as line
        from pg_trigger t where not t.tgisinternal`,
    rules: `
      select row(r.ev_class, r.rulename, r.ev_type, r.ev_enabled, r.is_instead, sha256(convert_to(r.ev_action::text, 'UTF8')))::text as line
        from pg_rewrite r where r.ev_class >= ${FIRST_USER_OID}`,
    inheritance: 'select row(i.inhrelid, i.inhparent)::text as line from pg_inherits i',
    functions: `
      select row(p.oid, p.proname, p.pronamespace, p.proowner, p.prolang, p.prosecdef, p.proleakproof, p.provolatile, p.proconfig, p.proacl,
                 p.prosrc, p.prosqlbody)::text as line
        from pg_proc p where p.pronamespace not in (${SYSTEM})`,
    operators: `
      select row('operator', o.oid, o.oprcode)::text as line from pg_operator o where o.oid >= ${FIRST_USER_OID}
      union all
      select row('cast', c.castsource, c.casttarget, c.castfunc, c.castcontext)::text from pg_cast c where c.oid >= ${FIRST_USER_OID}`,
    roles: `
      select row(r.oid, r.rolname, r.rolsuper, r.rolinherit, r.rolcreaterole, r.rolcreatedb, r.rolcanlogin, r.rolreplication, r.rolbypassrls)::text as line
        from pg_roles r`,
    memberships: "select (to_jsonb(m) - 'oid' - 'grantor')::text as line from pg_auth_members m",
    settings: `
      select row(s.setdatabase, s.setrole, s.setconfig)::text as line from pg_db_role_setting s
       where s.setdatabase in (0, (select d.oid from pg_database d where d.datname = current_database()))`,
    rights: `
      select row('database', d.datdba, d.datacl)::text as line from pg_database d where d.datname = current_database()
      union all
      select row('schema', n.nspname, n.nspowner, n.nspacl)::text from pg_namespace n where n.oid not in (${SYSTEM})`,
  }
}

/** The comparison: one statement, whose answer is a dozen short rows. Names are looked up in `pg_catalog` alone; see {@link pinned}. */
export function digestQuery(tenantColumns: readonly string[]): string {
  return Object.entries(categories(tenantColumns))
    .map(
      ([name, lines]) => `
    select '${name}' as category, encode(sha256(convert_to(coalesce(string_agg(l.line, chr(10) order by l.line collate "C"), ''), 'UTF8')), 'hex') as digest
      from (${lines}) l`,
    )
    .join('\n    union all')
}

/**
 * A statement in a transaction of its own whose settings nobody else chooses: a stored `search_path` can't put another operator
 * before PostgreSQL's, and a stored time-out can't end it. One round trip; works behind a transaction pooler.
 */
export function pinned(statement: string, timeoutMs: number): string {
  return `begin read only; set local search_path = pg_catalog, pg_temp; set local role none; set local quote_all_identifiers = off;
    set local statement_timeout = ${Math.ceil(timeoutMs)}; set local lock_timeout = ${Math.ceil(timeoutMs)}; ${statement}; commit`
}
