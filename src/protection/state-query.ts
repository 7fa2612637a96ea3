// One statement that reads all objects that protect tenants. It must be one statement, because two could see different states.
import pg from 'pg'
import { FUNCTION_BODY, VIEW_BODY } from '../migrate/known-protection.ts'
import { IS_OWN_MEMBERSHIP, OWN_ROLES } from './own-roles.ts'

const USER_SCHEMAS = "n.nspname <> 'information_schema' and n.nspname not like 'pg\\_%'"
const RIGHTS = 'SELECT, INSERT, UPDATE, DELETE, TRUNCATE'
const COLUMN_RIGHTS = 'SELECT, INSERT, UPDATE'

/**
 * SQL that returns all objects that protect tenants, one JSON document (`object`) per row. `protected-object.ts` describes the documents.
 *
 * Must run with `search_path = pg_catalog, pg_temp`, so that expressions are printed the same way each time.
 */
export function stateQuery(tenantColumns: readonly string[], settingName: string): string {
  const columns = tenantColumns.map((name) => pg.escapeLiteral(name)).join(', ')
  const marks = [...tenantColumns, settingName, 'partywall.'].map((mark) => pg.escapeLiteral(mark)).join(', ')
  return `
  with recursive ${OWN_ROLES}, reach as materialized (
    select r.oid, r.rolname from pg_roles r
     where r.rolname = session_user
        or (pg_has_role(session_user, r.oid, 'MEMBER') and not (select me.rolsuper from pg_roles me where me.rolname = session_user))
  ), rels as materialized (
    select c.*, quote_ident(n.nspname) || '.' || quote_ident(c.relname) as name, n.nspname,
           (select quote_ident(a.attname) from pg_attribute a
             where a.attrelid = c.oid and a.attname in (${columns}) and not a.attisdropped order by a.attnum limit 1) as tenant_column,
           exists (select from reach r where has_table_privilege(r.oid, c.oid, '${RIGHTS}')
                                          or has_any_column_privilege(r.oid, c.oid, '${COLUMN_RIGHTS}')) as in_reach
      from pg_class c join pg_namespace n on n.oid = c.relnamespace
     where c.relkind in ('r', 'p', 'v', 'm', 'f') and c.relpersistence <> 't' and ${USER_SCHEMAS}
  ), functions as materialized (
    select p.*, n.nspname, p.oid::regprocedure::text as name
      from pg_proc p join pg_namespace n on n.oid = p.pronamespace where ${USER_SCHEMAS}
  ), needs (classid, objid, refclassid, refobjid) as materialized (
    -- Built-in functions can't be replaced, so only functions and operators that users made are of interest.
    select d.classid, d.objid, d.refclassid, d.refobjid from pg_depend d
     where d.refobjid >= 16384 and d.refclassid in ('pg_proc'::regclass, 'pg_operator'::regclass)
    union all
    select 'pg_operator'::regclass, o.oid, 'pg_proc'::regclass, o.oprcode from pg_operator o where o.oid >= 16384
  ), called (policy, classid, oid) as (
    select p.oid, d.refclassid, d.refobjid from pg_policy p join needs d on d.classid = 'pg_policy'::regclass and d.objid = p.oid
    union
    select c.policy, x.classid, x.oid from called c cross join lateral (
      select d.refclassid as classid, d.refobjid as oid from needs d where d.classid = c.classid and d.objid = c.oid
      union all
      -- PostgreSQL records no dependencies of a function body that is a string, so find its calls by their names.
      select 'pg_proc'::regclass, f.oid from functions f join pg_proc caller on c.classid = 'pg_proc'::regclass and caller.oid = c.oid
       where f.oid <> caller.oid and caller.prosqlbody is null and strpos(caller.prosrc, f.proname) > 0
         and caller.prosrc ~ ('\\m' || regexp_replace(f.proname, '(\\W)', '\\\\\\1', 'g') || '\\M')
         -- partywall's functions resolve names only in pg_catalog. They call each other by full name, and they call no function that a user
         -- made.
         and (caller.pronamespace <> 'partywall'::regnamespace or f.nspname = 'partywall')
    ) x
  ), of_interest as materialized (
    select c.oid from called c where c.classid = 'pg_proc'::regclass
    union select t.tgfoid from pg_trigger t where not t.tgisinternal
    union select f.oid from functions f where f.nspname = 'partywall'
  )
  select jsonb_build_object('kind', 'relation', 'name', c.name, 'oid', c.oid::text, 'relname', c.relname, 'relkind', c.relkind,
           'owner', o.rolname, 'ownerBypasses', o.rolsuper or o.rolbypassrls, 'enabled', c.relrowsecurity, 'forced', c.relforcerowsecurity,
           'column', c.tenant_column, 'inReach', c.in_reach,
           'invoker', coalesce((select v.option_value::boolean from pg_options_to_table(c.reloptions) v where v.option_name = 'security_invoker'), false),
           'reads', case when c.relkind in ('v', 'm') then array(
             select distinct base.name from pg_rewrite w
               join pg_depend d on d.classid = 'pg_rewrite'::regclass and d.objid = w.oid and d.refclassid = 'pg_class'::regclass
               join rels base on base.oid = d.refobjid and base.oid <> c.oid
              where w.ev_class = c.oid order by 1) else '{}' end,
           'parents', array(select p.name from pg_inherits i join rels p on p.oid = i.inhparent where i.inhrelid = c.oid order by 1),
           'grants', c.relacl::text,
           'definition', case when c.relkind in ('v', 'm') then (
             select encode(sha256(convert_to(w.ev_action::text, 'UTF8')), 'hex') from pg_rewrite w where w.ev_class = c.oid and w.rulename = '_RETURN') end
         ) as object
    from rels c join pg_roles o on o.oid = c.relowner
  union all
  select jsonb_build_object('kind', 'policy', 'name', quote_ident(p.polname) || ' on ' || c.name, 'table', c.name,
           'permissive', p.polpermissive, 'command', p.polcmd,
           'roles', array(select r.rolname from pg_roles r where r.oid = any (p.polroles) order by 1),
           'inReach', p.polroles = '{0}' or exists (select from reach r where r.oid = any (p.polroles)),
           'coversReach', p.polroles = '{0}' or not exists (select from reach r where r.oid <> all (p.polroles)
              and (has_table_privilege(r.oid, c.oid, '${RIGHTS}') or has_any_column_privilege(r.oid, c.oid, '${COLUMN_RIGHTS}'))),
           'using', pg_get_expr(p.polqual, p.polrelid), 'check', pg_get_expr(p.polwithcheck, p.polrelid),
           'column', (select case when count(distinct d.refobjsubid) = 1 then min(quote_ident(a.attname)) end from pg_depend d
                        join pg_attribute a on a.attrelid = d.refobjid and a.attnum = d.refobjsubid
                       where d.classid = 'pg_policy'::regclass and d.objid = p.oid and d.refobjid = p.polrelid and d.refobjsubid > 0),
           'functions', array(select distinct f.name from called k join functions f on f.oid = k.oid
                               where k.policy = p.oid and k.classid = 'pg_proc'::regclass order by 1))
    from pg_policy p join rels c on c.oid = p.polrelid
  union all
  select jsonb_build_object('kind', 'trigger', 'name', quote_ident(t.tgname) || ' on ' || c.name, 'table', c.name, 'type', t.tgtype,
           'enabled', t.tgenabled in ('O', 'A'), 'protects', exists (select from unnest(array[${marks}]) m where strpos(f.prosrc, m) > 0),
           'calls', f.oid::text || ' ' || f.proname || ' ' || encode(t.tgargs, 'hex') || coalesce(' when ' || t.tgqual::text, '') || t.tgattr::text)
    from pg_trigger t join rels c on c.oid = t.tgrelid join pg_proc f on f.oid = t.tgfoid where not t.tgisinternal
  union all
  select jsonb_build_object('kind', 'function', 'name', f.name, 'owner', o.rolname, 'definer', f.prosecdef, 'settings', coalesce(f.proconfig, '{}'),
           'body', ${FUNCTION_BODY},
           'grants', f.proacl::text)
    from functions f join of_interest i on i.oid = f.oid join pg_roles o on o.oid = f.proowner
  union all
  -- The seal depends on partywall's views as well as on partywall's functions.
  select jsonb_build_object('kind', 'function', 'name', c.name, 'owner', o.rolname, 'definer', true, 'settings', coalesce(c.reloptions, '{}'),
           'body', ${VIEW_BODY},
           'grants', c.relacl::text)
    from rels c join pg_roles o on o.oid = c.relowner where c.relkind = 'v' and c.nspname = 'partywall'
  union all
  select jsonb_build_object('kind', 'role', 'name', r.rolname, 'detail',
           row(r.rolsuper, r.rolinherit, r.rolcreaterole, r.rolcreatedb, r.rolcanlogin, r.rolreplication, r.rolbypassrls)::text)
    from pg_roles r where r.oid in (select i.oid from own_roles i)
  union all
  select jsonb_build_object('kind', 'membership', 'name', pg_get_userbyid(m.member) || ' in ' || pg_get_userbyid(m.roleid), 'detail',
           string_agg((to_jsonb(m) - 'oid' - 'grantor')::text, ' ' order by m.grantor))
    from pg_auth_members m where ${IS_OWN_MEMBERSHIP} group by m.member, m.roleid
  union all
  select jsonb_build_object('kind', 'setting', 'name',
           case s.setrole when 0 then 'database' else pg_get_userbyid(s.setrole) end || case s.setdatabase when 0 then '' else ' in database' end,
           'detail', s.setconfig::text)
    from pg_db_role_setting s where s.setdatabase in (0, (select d.oid from pg_database d where d.datname = current_database()))
     and (s.setrole = 0 or s.setrole in (select i.oid from own_roles i))
  union all
  select jsonb_build_object('kind', 'rights', 'name', 'database', 'detail', row(d.datdba, d.datacl)::text)
    from pg_database d where d.datname = current_database()
  union all
  select jsonb_build_object('kind', 'rights', 'name', 'schema ' || quote_ident(n.nspname), 'detail', row(n.nspowner, n.nspacl)::text)
    from pg_namespace n where ${USER_SCHEMAS}
  union all
  select jsonb_build_object('kind', 'operator', 'name', o.oid::regoperator::text, 'detail', o.oprcode::text) from pg_operator o where o.oid >= 16384
  union all
  select jsonb_build_object('kind', 'cast', 'name', format_type(k.castsource, null) || ' as ' || format_type(k.casttarget, null), 'detail',
           row(k.castfunc, k.castcontext)::text) from pg_cast k where k.oid >= 16384
  union all
  select jsonb_build_object('kind', 'rule', 'name', quote_ident(w.rulename) || ' on ' || c.name, 'detail',
           row(w.ev_type, w.ev_enabled, w.is_instead, sha256(convert_to(w.ev_action::text, 'UTF8')))::text)
    from pg_rewrite w join rels c on c.oid = w.ev_class where w.rulename <> '_RETURN'
  union all
  select jsonb_build_object('kind', 'column-grant', 'name', c.name || '.' || quote_ident(a.attname), 'detail', a.attacl::text)
    from pg_attribute a join rels c on c.oid = a.attrelid where a.attacl is not null and not a.attisdropped`
}
