import type { Oid, PolicyCommand, Queryable } from '../../catalog/model.ts'
import { type FoundSchemas, SHAPE } from './find-schemas.ts'
import type {
  Fleet,
  FleetDefaultPrivilege,
  FleetEdge,
  FleetFunction,
  FleetPolicy,
  FleetRelation,
  FleetSchema,
  OutsideView,
  SharedName,
} from './fleet.ts'

/**
 * Reads everything about the tenants' schemas, in a fixed number of queries.
 *
 * @param acting the roles that an attacker inside the application can act as, without those that bypass policies
 */
export async function readFleet(db: Queryable, found: FoundSchemas, acting: readonly Oid[]): Promise<Fleet> {
  const schemas = found.schemas.map(({ oid }) => oid)
  const names = new Set(found.schemas.map(({ name }) => name))
  const tenants = new Map(found.registry?.map(({ schema, tenant }) => [schema, tenant]))
  const wide = await db.query<{ oid: Oid; rights: string[] }>(WIDE_RIGHTS, [schemas, acting])
  const rights = new Map(wide.rows.map((row) => [row.oid, row.rights]))
  const ask = async <Row extends object>(text: string): Promise<readonly Row[]> =>
    (await db.query<Row & Record<string, unknown>>(text, text.includes('$2') ? [schemas, acting] : [schemas])).rows
  const functions = await ask<FleetFunction>(FUNCTIONS)
  return Object.freeze({
    schemas: found.schemas.map(
      ({ oid, name }): FleetSchema => ({ oid, name, tenant: tenants.get(name), wideRights: rights.get(oid) ?? [] }),
    ),
    relations: (await ask<RelationRow>(RELATIONS)).map(relationOf),
    edges: (await ask<EdgeRow>(EDGES)).map(({ calls, ...edge }): FleetEdge => ({ ...edge, calls: calls ?? undefined })),
    functions: functions.filter((fn) => names.has(fn.schema) || namesOneOf(fn, names)),
    outsideViews: await ask<OutsideView>(OUTSIDE_VIEWS),
    defaultPrivileges: await ask<FleetDefaultPrivilege>(DEFAULT_PRIVILEGES),
    sharedNames: await ask<SharedName>(SHARED_NAMES),
    registry: found.registry,
  })
}

/** The tenants' schemas whose names occur in a function's search_path or text. */
export function schemasNamedBy(fn: FleetFunction, names: ReadonlySet<string>): readonly string[] {
  const words = `${fn.path ?? ''} ${fn.source}`.match(/[A-Za-z_][\w$]*/g) ?? []
  return [...new Set(words)].filter((word) => names.has(word))
}

function namesOneOf(fn: FleetFunction, names: ReadonlySet<string>): boolean {
  return schemasNamedBy(fn, names).length > 0
}

interface EdgeRow extends Omit<FleetEdge, 'calls'> {
  readonly calls: string | null
}

interface RelationRow extends Omit<FleetRelation, 'policies' | 'kind'> {
  readonly kind: string
  readonly policies: readonly {
    readonly name: string
    readonly permissive: boolean
    readonly command: string
    readonly roles: readonly Oid[]
    readonly using: string | null
    readonly check: string | null
  }[]
}

const KINDS: Readonly<Record<string, FleetRelation['kind']>> = {
  v: 'view',
  m: 'materialized-view',
  f: 'foreign-table',
}
const COMMANDS: Readonly<Record<string, PolicyCommand>> = { r: 'select', a: 'insert', w: 'update', d: 'delete' }

function relationOf(row: RelationRow): FleetRelation {
  return {
    ...row,
    kind: KINDS[row.kind] ?? 'table',
    policies: row.policies.map(
      ({ name, permissive, command, roles, using, check }): FleetPolicy => ({
        name,
        permissive,
        command: COMMANDS[command] ?? 'all',
        roles,
        using: using ?? undefined,
        check: check ?? undefined,
      }),
    ),
  }
}

// $1: the schemas; $2: the acting roles.

const WIDE_RIGHTS = `
  select n.oid::int8::float8 as oid, pg_catalog.array_agg(case a.grantee when 0 then 'PUBLIC' else pg_catalog.pg_get_userbyid(a.grantee)::text end || ' ' || a.privilege_type order by 1) as rights
  from pg_catalog.pg_namespace n cross join lateral pg_catalog.aclexplode(n.nspacl) a
  where n.oid = any ($1::pg_catalog.oid[]) and (a.grantee = 0 or (a.privilege_type = 'CREATE' and a.grantee = any ($2::pg_catalog.oid[])))
  group by n.oid`

const RELATIONS = `
  select c.oid::int8::float8 as oid, n.nspname::text as schema, c.relname::text as name, c.relkind::text as kind, pg_catalog.pg_get_userbyid(c.relowner)::text as owner,
    c.relrowsecurity as "rowSecurity", c.relforcerowsecurity as forced, ${SHAPE} as shape,
    array(select r::int8::float8 from pg_catalog.unnest($2::pg_catalog.oid[]) r
           where pg_catalog.has_schema_privilege(r, n.oid, 'USAGE')
             and (pg_catalog.has_table_privilege(r, c.oid, 'SELECT, INSERT, UPDATE, DELETE')
                  or (exists (select from pg_catalog.pg_attribute a where a.attrelid = c.oid and a.attacl is not null)
                      and pg_catalog.has_any_column_privilege(r, c.oid, 'SELECT, INSERT, UPDATE')))) as reach,
    coalesce((select pg_catalog.json_agg(pg_catalog.json_build_object('name', p.polname, 'permissive', p.polpermissive, 'command', p.polcmd,
        'roles', p.polroles::int8[], 'using', pg_catalog.pg_get_expr(p.polqual, p.polrelid), 'check', pg_catalog.pg_get_expr(p.polwithcheck, p.polrelid)) order by p.polname)
      from pg_catalog.pg_policy p where p.polrelid = c.oid), '[]') as policies
  from pg_catalog.pg_class c join pg_catalog.pg_namespace n on n.oid = c.relnamespace
  where n.oid = any ($1::pg_catalog.oid[]) and c.relkind in ('r', 'p', 'v', 'm', 'f')
  order by n.nspname, c.relname`

/** The schema of each object that may depend on another, and the label of its relation. */
const OBJECTS = `
  select 'pg_class'::pg_catalog.regclass::pg_catalog.oid as class, c.oid, c.relnamespace as schema, n.nspname || '.' || c.relname as label
    from pg_catalog.pg_class c join pg_catalog.pg_namespace n on n.oid = c.relnamespace where n.oid = any ($1::pg_catalog.oid[])
  union all select 'pg_proc'::pg_catalog.regclass, p.oid, p.pronamespace, n.nspname || '.' || p.proname || '(' || pg_catalog.oidvectortypes(p.proargtypes) || ')'
    from pg_catalog.pg_proc p join pg_catalog.pg_namespace n on n.oid = p.pronamespace where n.oid = any ($1::pg_catalog.oid[])
  union all select 'pg_type'::pg_catalog.regclass, t.oid, t.typnamespace, n.nspname || '.' || t.typname
    from pg_catalog.pg_type t join pg_catalog.pg_namespace n on n.oid = t.typnamespace where n.oid = any ($1::pg_catalog.oid[])
  union all select k.class, k.oid, c.relnamespace, n.nspname || '.' || c.relname from (
      select 'pg_attrdef'::pg_catalog.regclass::pg_catalog.oid as class, oid, adrelid as relation from pg_catalog.pg_attrdef
      union all select 'pg_constraint'::pg_catalog.regclass, oid, conrelid from pg_catalog.pg_constraint
      union all select 'pg_policy'::pg_catalog.regclass, oid, polrelid from pg_catalog.pg_policy
      union all select 'pg_trigger'::pg_catalog.regclass, oid, tgrelid from pg_catalog.pg_trigger where not tgisinternal
      union all select 'pg_rewrite'::pg_catalog.regclass, oid, ev_class from pg_catalog.pg_rewrite) k
    join pg_catalog.pg_class c on c.oid = k.relation join pg_catalog.pg_namespace n on n.oid = c.relnamespace where n.oid = any ($1::pg_catalog.oid[])`

const EDGES = `
  with objects as materialized (${OBJECTS})
  select distinct a.schema::pg_catalog.regnamespace::text as schema, a.label, b.schema::pg_catalog.regnamespace::text as neighbour,
    pg_catalog.pg_describe_object(d.classid, d.objid, 0) as object, pg_catalog.pg_describe_object(d.refclassid, d.refobjid, 0) as "neighbourObject",
    case when d.classid = 'pg_catalog.pg_trigger'::pg_catalog.regclass and d.refclassid = 'pg_catalog.pg_proc'::pg_catalog.regclass then b.label end as calls
  from pg_catalog.pg_depend d
  join objects a on a.class = d.classid and a.oid = d.objid
  join objects b on b.class = d.refclassid and b.oid = d.refobjid
  where a.schema <> b.schema
  union all
  select n.nspname::text, n.nspname::text, n.nspname::text, 'extension ' || e.extname, 'the tenants that use the extension', null
  from pg_catalog.pg_extension e join pg_catalog.pg_namespace n on n.oid = e.extnamespace where n.oid = any ($1::pg_catalog.oid[])
  order by 1, 2, 4`

const FUNCTIONS = `
  select n.nspname::text as schema, n.nspname || '.' || p.proname || '(' || pg_catalog.oidvectortypes(p.proargtypes) || ')' as label, p.prosecdef as definer,
    (select pg_catalog.substr(o, 13) from pg_catalog.unnest(p.proconfig) o where o like 'search_path=%') as path,
    coalesce(pg_catalog.pg_get_function_sqlbody(p.oid), p.prosrc) as source,
    exists (select from pg_catalog.aclexplode(coalesce(p.proacl, pg_catalog.acldefault('f', p.proowner))) a where a.privilege_type = 'EXECUTE' and a.grantee = 0)
      or exists (select from pg_catalog.unnest($2::pg_catalog.oid[]) r where pg_catalog.has_function_privilege(r, p.oid, 'EXECUTE')) as executable
  from pg_catalog.pg_proc p join pg_catalog.pg_namespace n on n.oid = p.pronamespace
  where n.nspname !~ '^pg_' and n.nspname not in ('information_schema', 'partywall')
    and (n.oid = any ($1::pg_catalog.oid[]) or exists (select from pg_catalog.pg_namespace t where t.oid = any ($1::pg_catalog.oid[])
           and (pg_catalog.strpos(p.prosrc, t.nspname) > 0 or pg_catalog.strpos(coalesce(p.proconfig::text, ''), t.nspname) > 0
                or pg_catalog.strpos(coalesce(pg_catalog.pg_get_function_sqlbody(p.oid), ''), t.nspname) > 0)))
  order by 2`

const OUTSIDE_VIEWS = `
  select distinct vn.nspname || '.' || v.relname as label, tn.nspname::text as schema, tn.nspname || '.' || t.relname as reads,
    array(select r::int8::float8 from pg_catalog.unnest($2::pg_catalog.oid[]) r
           where pg_catalog.has_schema_privilege(r, vn.oid, 'USAGE') and pg_catalog.has_table_privilege(r, v.oid, 'SELECT, INSERT, UPDATE, DELETE')) as reach
  from pg_catalog.pg_depend d join pg_catalog.pg_rewrite w on d.classid = 'pg_catalog.pg_rewrite'::pg_catalog.regclass and w.oid = d.objid
  join pg_catalog.pg_class v on v.oid = w.ev_class join pg_catalog.pg_namespace vn on vn.oid = v.relnamespace
  join pg_catalog.pg_class t on d.refclassid = 'pg_catalog.pg_class'::pg_catalog.regclass and t.oid = d.refobjid join pg_catalog.pg_namespace tn on tn.oid = t.relnamespace
  where tn.oid = any ($1::pg_catalog.oid[]) and not vn.oid = any ($1::pg_catalog.oid[]) and v.relkind in ('v', 'm')
  order by 1`

const DEFAULT_PRIVILEGES = `
  select n.nspname::text as schema, case d.defaclobjtype when 'r' then 'tables' when 'S' then 'sequences' when 'f' then 'functions' when 'T' then 'types' else d.defaclobjtype::text end as "objectType",
    case a.grantee when 0 then 'PUBLIC' else pg_catalog.pg_get_userbyid(a.grantee)::text end as grantee, a.grantee::int8::float8 as "granteeOid", pg_catalog.pg_get_userbyid(d.defaclrole)::text as role
  from pg_catalog.pg_default_acl d join pg_catalog.pg_namespace n on n.oid = d.defaclnamespace cross join lateral pg_catalog.aclexplode(d.defaclacl) a
  where n.oid = any ($1::pg_catalog.oid[]) and a.grantee <> d.defaclrole
  group by 1, 2, 3, 4, 5 order by 1, 2, 3`

const SHARED_NAMES = `
  with theirs as materialized (
    select c.relname as name, true as is_relation, c.relnamespace as schema from pg_catalog.pg_class c where c.relnamespace = any ($1::pg_catalog.oid[]) and c.relkind in ('r', 'p', 'v', 'm', 'f')
    union all select t.typname, false, t.typnamespace from pg_catalog.pg_type t where t.typnamespace = any ($1::pg_catalog.oid[]) and t.typtype in ('e', 'd')
  ), others as (
    select n.nspname || '.' || c.relname as label, c.relname as name, true as is_relation, c.relrowsecurity and c.relforcerowsecurity as protected
      from pg_catalog.pg_class c join pg_catalog.pg_namespace n on n.oid = c.relnamespace
     where c.relkind in ('r', 'p', 'v', 'm', 'f') and not n.oid = any ($1::pg_catalog.oid[]) and n.nspname !~ '^pg_' and n.nspname not in ('information_schema', 'partywall')
       and exists (select from pg_catalog.unnest($2::pg_catalog.oid[]) r where pg_catalog.has_schema_privilege(r, n.oid, 'USAGE')
             and (pg_catalog.has_table_privilege(r, c.oid, 'SELECT, INSERT, UPDATE, DELETE') or pg_catalog.has_any_column_privilege(r, c.oid, 'SELECT, INSERT, UPDATE')))
    union all select n.nspname || '.' || t.typname, t.typname, false, true from pg_catalog.pg_type t join pg_catalog.pg_namespace n on n.oid = t.typnamespace
     where t.typtype in ('e', 'd') and not n.oid = any ($1::pg_catalog.oid[]) and n.nspname !~ '^pg_' and n.nspname not in ('information_schema', 'partywall')
  )
  select o.label, o.name::text as name, o.is_relation as "isRelation", o.protected, count(distinct t.schema)::int as schemas
  from others o join theirs t on t.name = o.name and t.is_relation = o.is_relation
  group by 1, 2, 3, 4 order by 1`
