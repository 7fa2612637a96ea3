// Catalog queries of checkDatabase(). Any role may run them about itself.

export interface LoginFacts {
  readonly version: number
  readonly encoding: string
  readonly database: string
  readonly login: string
  readonly loginQuoted: string
  readonly isSuperuser: boolean
  readonly bypasses: boolean
  readonly ownsTables: readonly string[]
  readonly reachable: readonly ReachableRole[]
  readonly mayTemp: readonly string[]
  readonly mayCreateIn: readonly string[]
  readonly storedSettings: readonly StoredSetting[]
}

export interface ReachableRole {
  readonly name: string
  readonly quoted: string
  readonly isSuperuser: boolean
  readonly bypasses: boolean
  readonly createsRoles: boolean
  readonly ownsTables: boolean
}

export interface StoredSetting {
  readonly role: string
  readonly setting: string
  readonly dangerous: boolean
}

export interface TableFacts {
  readonly name: string
  readonly column: string
  readonly columnType: string
  readonly enabled: boolean
  readonly forced: boolean
  readonly hasPolicy: boolean
  readonly mayTruncate: boolean
  readonly unsealedRoles: readonly string[]
}

/** Roles of PostgreSQL and of partywall that no application may become, and why. */
export const DANGEROUS_ROLES: Readonly<Record<string, string>> = {
  pg_read_all_data: 'reads all tables',
  pg_write_all_data: 'writes all tables',
  pg_read_server_files: 'reads the server’s files',
  pg_write_server_files: 'writes the server’s files',
  pg_execute_server_program: 'runs programs on the server',
  pg_monitor: 'sees other sessions’ statements',
  pg_read_all_stats: 'sees other sessions’ statements',
  pg_signal_backend: 'ends other sessions',
  pg_maintain: 'may lock and rewrite all tables',
  pg_create_subscription: 'may create subscriptions',
  partywall_owner: 'owns the seal’s key',
  partywall_cross: 'reads all tenants',
}

/** `reach`: the login itself and the roles that it can become. `tables`: tables outside of the schemas of PostgreSQL and partywall. */
export const REACH = `
  with reach as (
    select r.oid, r.rolname, r.rolsuper, r.rolbypassrls, r.rolcreaterole
      from pg_catalog.pg_roles r
     where r.rolname = session_user
        or (pg_catalog.pg_has_role(session_user, r.oid, 'MEMBER')
            and not (select me.rolsuper from pg_catalog.pg_roles me where me.rolname = session_user))
  ), tables as (
    select c.oid, c.relowner, c.relrowsecurity, c.relforcerowsecurity, c.oid::pg_catalog.regclass::text as name
      from pg_catalog.pg_class c join pg_catalog.pg_namespace n on n.oid = c.relnamespace
     where c.relkind in ('r', 'p') and n.nspname not in ('pg_catalog', 'information_schema', 'partywall')
       and n.nspname not like 'pg\\_toast%' and n.nspname not like 'pg\\_temp%'
  )`

const DANGEROUS_SETTINGS =
  "'(row_security|session_replication_role|search_path|role|session_authorization|session_preload_libraries|local_preload_libraries|default_transaction_read_only|.*[.].*)'"

export const FACTS_TEXT = `${REACH}
  select pg_catalog.current_setting('server_version_num')::int as version,
         pg_catalog.current_setting('server_encoding') as encoding,
         pg_catalog.quote_ident(pg_catalog.current_database()) as database,
         session_user::text as login, pg_catalog.quote_ident(session_user) as "loginQuoted",
         me.rolsuper as "isSuperuser", me.rolbypassrls as bypasses,
         array(select t.name from tables t where t.relowner = me.oid order by 1) as "ownsTables",
         coalesce((select pg_catalog.json_agg(pg_catalog.json_build_object(
             'name', r.rolname, 'quoted', pg_catalog.quote_ident(r.rolname), 'isSuperuser', r.rolsuper,
             'bypasses', r.rolbypassrls, 'createsRoles', r.rolcreaterole,
             'ownsTables', exists (select from tables t where t.relowner = r.oid)) order by r.rolname)
           from reach r where r.oid <> me.oid), '[]') as reachable,
         array(select pg_catalog.quote_ident(r.rolname) from reach r
                where pg_catalog.has_database_privilege(r.oid, pg_catalog.current_database(), 'TEMPORARY')
                  and not r.rolsuper order by 1) as "mayTemp",
         array(select pg_catalog.quote_ident(n.nspname) from pg_catalog.pg_namespace n
                where n.nspname !~ '^pg_' and exists (select from reach r
                  where not r.rolsuper and pg_catalog.has_schema_privilege(r.oid, n.oid, 'CREATE')) order by 1) as "mayCreateIn",
         coalesce((select pg_catalog.json_agg(pg_catalog.json_build_object(
             'role', pg_catalog.quote_ident(r.rolname), 'setting', pg_catalog.split_part(c.config, '=', 1),
             'dangerous', pg_catalog.split_part(c.config, '=', 1) ~ ('^' || ${DANGEROUS_SETTINGS} || '$')))
           from pg_catalog.pg_db_role_setting s join reach r on r.oid = s.setrole
           cross join lateral pg_catalog.unnest(s.setconfig) as c (config)
          where s.setdatabase in (0, (select d.oid from pg_catalog.pg_database d where d.datname = pg_catalog.current_database()))
         ), '[]') as "storedSettings"
    from pg_catalog.pg_roles me where me.rolname = session_user`

/** A right on one column is enough to read or write. */
const MAY_TOUCH = `(pg_catalog.has_table_privilege(r.oid, t.oid, 'SELECT, INSERT, UPDATE, DELETE')
                         or pg_catalog.has_any_column_privilege(r.oid, t.oid, 'SELECT, INSERT, UPDATE'))`

/** Matches the condition of a seal policy: of a shared table, or of a table in a tenant's own schema. */
const ASKS_SEAL = "'partywall[.](tenant_id|placed_mark)[(][)]'"

/** $1: names of tenant columns. */
export const TABLES_TEXT = `${REACH}
  select t.name, pg_catalog.quote_ident(a.attname) as column, pg_catalog.format_type(a.atttypid, null) as "columnType",
         t.relrowsecurity as enabled, t.relforcerowsecurity as forced,
         exists (select from pg_catalog.pg_policy p where p.polrelid = t.oid) as "hasPolicy",
         exists (select from reach r where pg_catalog.has_table_privilege(r.oid, t.oid, 'TRUNCATE')) as "mayTruncate",
         array(select pg_catalog.quote_ident(r.rolname) from reach r
                where ${MAY_TOUCH}
                  and not exists (select from pg_catalog.pg_policy p
                    where p.polrelid = t.oid and not p.polpermissive and p.polcmd = '*'
                      and (p.polroles = '{0}' or r.oid = any (p.polroles))
                      and pg_catalog.pg_get_expr(p.polqual, p.polrelid) ~ ${ASKS_SEAL}
                      and coalesce(pg_catalog.pg_get_expr(p.polwithcheck, p.polrelid), 'partywall.tenant_id()') ~ ${ASKS_SEAL})
                order by 1) as "unsealedRoles"
    from tables t join pg_catalog.pg_attribute a on a.attrelid = t.oid and a.attname = any ($1) and not a.attisdropped
   where exists (select from reach r where ${MAY_TOUCH})
   order by t.name`
