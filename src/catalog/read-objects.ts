import type {
  Catalog,
  DefaultPrivilege,
  ForeignServer,
  GrantedBuiltin,
  Language,
  LargeObject,
  Publication,
  SequenceFacts,
  TypeFacts,
} from './catalog.ts'
import { USER_SCHEMA } from './left-out-schemas.ts'
import type { Oid, Queryable, Schema } from './model.ts'
import type { Dependencies } from './read-dependencies.ts'
import { type GrantRow, groupGrants } from './read-roles.ts'

const EXPLODED =
  'a.grantee::int8::float8 as grantee, a.privilege_type as privilege, a.is_grantable as grantable, 0 as part'

export async function readServer(db: Queryable): Promise<{
  readonly version: number
  readonly reader: Catalog['reader']
  readonly database: Catalog['database']
}> {
  const { rows } = await db.query<{
    version: number
    name: string
    superuser: boolean
    database: string
    oid: Oid
    owner: Oid
  }>(`
    select pg_catalog.current_setting('server_version_num')::int as version, current_user::text as name, r.rolsuper as superuser,
           d.datname::text as database, d.oid::int8::float8 as oid, d.datdba::int8::float8 as owner
    from pg_catalog.pg_database d, pg_catalog.pg_roles r
    where d.datname = pg_catalog.current_database() and r.rolname = current_user`)
  const row = rows[0]
  if (row === undefined) throw new Error('the catalog has no row for the current database or role')
  const grants = await db.query<GrantRow>(`
    select d.oid::int8::float8 as object, ${EXPLODED}
    from pg_catalog.pg_database d, pg_catalog.aclexplode(coalesce(d.datacl, pg_catalog.acldefault('d', d.datdba))) a
    where d.datname = pg_catalog.current_database()`)
  return {
    version: row.version,
    reader: { name: row.name, superuser: row.superuser },
    database: { oid: row.oid, name: row.database, owner: row.owner, grants: groupGrants(grants.rows)(row.oid) },
  }
}

export async function readSchemas(db: Queryable, dependencies: Dependencies): Promise<ReadonlyMap<Oid, Schema>> {
  const { rows } = await db.query<{ oid: Oid; name: string; owner: Oid }>(`
    select n.oid::int8::float8 as oid, n.nspname::text as name, n.nspowner::int8::float8 as owner
    from pg_catalog.pg_namespace n where ${USER_SCHEMA} order by 2`)
  const grants = await db.query<GrantRow>(`
    select n.oid::int8::float8 as object, ${EXPLODED}
    from pg_catalog.pg_namespace n, pg_catalog.aclexplode(coalesce(n.nspacl, pg_catalog.acldefault('n', n.nspowner))) a
    where ${USER_SCHEMA}`)
  const grantsOf = groupGrants(grants.rows)
  return new Map(
    rows.map((row) => [
      row.oid,
      Object.freeze({
        ...row,
        grants: grantsOf(row.oid),
        extension: dependencies.extensionOf('pg_namespace', row.oid),
      }),
    ]),
  )
}

const TYPE_KINDS = {
  b: 'base',
  c: 'composite',
  d: 'domain',
  e: 'enum',
  r: 'range',
  m: 'multirange',
  p: 'pseudo',
} as const

interface TypeRow extends Record<string, unknown> {
  readonly oid: Oid
  readonly schema: string
  readonly name: string
  readonly kind: keyof typeof TYPE_KINDS
  readonly owner: Oid
  readonly labels: readonly string[]
  readonly base: string
  readonly not_null: boolean
  readonly default_text: string | null
  readonly deterministic: boolean
  readonly checks: readonly string[]
}

export async function readTypes(db: Queryable, dependencies: Dependencies): Promise<ReadonlyMap<Oid, TypeFacts>> {
  const { rows } = await db.query<TypeRow>(`
    select t.oid::int8::float8 as oid, n.nspname::text as schema, t.typname::text as name, t.typtype::text as kind, t.typowner::int8::float8 as owner,
           array(select e.enumlabel::text from pg_catalog.pg_enum e where e.enumtypid = t.oid order by e.enumsortorder) as labels,
           pg_catalog.format_type(coalesce(nullif(t.typbasetype, 0), t.oid), t.typtypmod) as base, t.typnotnull as not_null,
           t.typdefault as default_text,
           array(select pg_catalog.pg_get_expr(c.conbin, 0) from pg_catalog.pg_constraint c where c.contypid = t.oid and c.contype = 'c' order by c.conname) as checks,
           coalesce(co.collisdeterministic, true) as deterministic
    from pg_catalog.pg_type t join pg_catalog.pg_namespace n on n.oid = t.typnamespace
    left join pg_catalog.pg_class c on c.oid = t.typrelid
    left join pg_catalog.pg_collation co on co.oid = t.typcollation
    where ${USER_SCHEMA} and t.typelem = 0 and (t.typrelid = 0 or c.relkind = 'c') order by 2, 3`)
  return new Map(
    rows.map((row) => [
      row.oid,
      Object.freeze({
        oid: row.oid,
        schema: row.schema,
        name: row.name,
        kind: TYPE_KINDS[row.kind],
        owner: row.owner,
        extension: dependencies.extensionOf('pg_type', row.oid),
        enumLabels: row.labels,
        baseType: row.base,
        deterministic: row.deterministic,
        notNull: row.not_null,
        default: row.default_text ?? undefined,
        checks: row.checks,
      }),
    ]),
  )
}

export async function readSequences(db: Queryable): Promise<ReadonlyMap<Oid, SequenceFacts>> {
  const { rows } = await db.query<{ oid: Oid; relation: Oid | null; column_number: number | null }>(`
    select c.oid::int8::float8 as oid, d.refobjid::int8::float8 as relation, d.refobjsubid as column_number
    from pg_catalog.pg_class c join pg_catalog.pg_namespace n on n.oid = c.relnamespace
    left join pg_catalog.pg_depend d on d.classid = 'pg_catalog.pg_class'::regclass and d.objid = c.oid and d.deptype in ('a', 'i')
      and d.refclassid = 'pg_catalog.pg_class'::regclass
    where c.relkind = 'S' and ${USER_SCHEMA}`)
  return new Map(
    rows.map((row) => [
      row.oid,
      { oid: row.oid, ownedByRelation: row.relation ?? 0, ownedByColumn: row.column_number ?? 0 },
    ]),
  )
}

const DEFAULT_TYPES: Readonly<Record<string, DefaultPrivilege['objectType']>> = {
  r: 'tables',
  S: 'sequences',
  f: 'functions',
  T: 'types',
  n: 'schemas',
  L: 'large-objects',
}

export async function readDefaultPrivileges(db: Queryable): Promise<readonly DefaultPrivilege[]> {
  const { rows } = await db.query<GrantRow & { role: Oid; schema: Oid; object_type: string }>(`
    select d.oid::int8::float8 as object, d.defaclrole::int8::float8 as role, d.defaclnamespace::int8::float8 as schema, d.defaclobjtype::text as object_type,
           ${EXPLODED}
    from pg_catalog.pg_default_acl d, pg_catalog.aclexplode(d.defaclacl) a order by 1, 5, 6`)
  const grants = groupGrants(rows)
  const entries = new Map(rows.map((row) => [row.object, row]))
  return [...entries.values()].map((row) => ({
    role: row.role,
    schema: row.schema,
    objectType: DEFAULT_TYPES[row.object_type] ?? 'tables',
    grants: grants(row.object),
  }))
}

export async function readExtensions(db: Queryable): Promise<Catalog['extensions']> {
  const { rows } = await db.query<{ name: string; version: string; schema: string }>(`
    select e.extname::text as name, e.extversion as version, n.nspname::text as schema
    from pg_catalog.pg_extension e join pg_catalog.pg_namespace n on n.oid = e.extnamespace order by 1`)
  return rows
}

export async function readPublications(db: Queryable): Promise<readonly Publication[]> {
  const publications = await db.query<{ oid: Oid; name: string; all_tables: boolean; schemas: readonly number[] }>(`
    select p.oid::int8::float8 as oid, p.pubname::text as name, p.puballtables as all_tables,
           array(select s.pnnspid::int8::float8 from pg_catalog.pg_publication_namespace s where s.pnpubid = p.oid) as schemas
    from pg_catalog.pg_publication p order by 2`)
  const tables = await db.query<{ publication: Oid; relation: Oid; filter: string | null }>(`
    select prpubid::int8::float8 as publication, prrelid::int8::float8 as relation, pg_catalog.pg_get_expr(prqual, prrelid) as filter
    from pg_catalog.pg_publication_rel order by 1, 2`)
  return publications.rows.map((row) => ({
    name: row.name,
    allTables: row.all_tables,
    schemas: row.schemas,
    tables: tables.rows
      .filter((table) => table.publication === row.oid)
      .map((table) => ({ relation: table.relation, filter: table.filter ?? undefined })),
  }))
}

export async function readForeignServers(db: Queryable): Promise<readonly ForeignServer[]> {
  const { rows } = await db.query<{
    oid: Oid
    name: string
    wrapper: string
    owner: Oid
    options: readonly string[] | null
    mapped: readonly number[]
  }>(`
    select s.oid::int8::float8 as oid, s.srvname::text as name, w.fdwname::text as wrapper, s.srvowner::int8::float8 as owner, s.srvoptions::text[] as options,
           array(select m.umuser::int8::float8 from pg_catalog.pg_user_mappings m where m.srvid = s.oid) as mapped
    from pg_catalog.pg_foreign_server s join pg_catalog.pg_foreign_data_wrapper w on w.oid = s.srvfdw order by 2`)
  const grants = groupGrants(
    (
      await db.query<GrantRow>(`
    select s.oid::int8::float8 as object, ${EXPLODED}
    from pg_catalog.pg_foreign_server s, pg_catalog.aclexplode(coalesce(s.srvacl, pg_catalog.acldefault('S', s.srvowner))) a`)
    ).rows,
  )
  return rows.map((row) => ({
    oid: row.oid,
    name: row.name,
    wrapper: row.wrapper,
    owner: row.owner,
    options: row.options ?? [],
    grants: grants(row.oid),
    mappedRoles: row.mapped,
  }))
}

export async function readLanguages(db: Queryable): Promise<readonly Language[]> {
  const { rows } = await db.query<GrantRow & { name: string; trusted: boolean }>(`
    select l.oid::int8::float8 as object, l.lanname::text as name, l.lanpltrusted as trusted, ${EXPLODED}
    from pg_catalog.pg_language l, pg_catalog.aclexplode(coalesce(l.lanacl, pg_catalog.acldefault('l', l.lanowner))) a
    where l.lanispl order by 2`)
  const grants = groupGrants(rows)
  const languages = new Map(rows.map((row) => [row.object, row]))
  return [...languages.values()].map((row) => ({ name: row.name, trusted: row.trusted, grants: grants(row.object) }))
}

export async function readLargeObjects(db: Queryable): Promise<readonly LargeObject[]> {
  const { rows } = await db.query<LargeObject & Record<string, unknown>>(
    'select oid::int8::float8 as oid, lomowner::int8::float8 as owner from pg_catalog.pg_largeobject_metadata order by 1 limit 10000',
  )
  return rows
}

export async function readGrantedBuiltins(db: Queryable): Promise<readonly GrantedBuiltin[]> {
  // pg_init_privs contains the privileges after initdb, so only grants that differ from it were changed by somebody.
  const { rows } = await db.query<GrantRow & { label: string; name: string }>(`
    select p.oid::int8::float8 as object, p.oid::regprocedure::text as label, p.proname::text as name, ${EXPLODED}
    from pg_catalog.pg_proc p
    left join pg_catalog.pg_init_privs i on i.objoid = p.oid and i.classoid = 'pg_catalog.pg_proc'::regclass
    cross join lateral pg_catalog.aclexplode(p.proacl) a
    where p.pronamespace = 'pg_catalog'::regnamespace and p.proacl is not null
      and p.proacl is distinct from coalesce(i.initprivs, pg_catalog.acldefault('f', p.proowner)) order by 2, 4`)
  const grants = groupGrants(rows)
  const builtins = new Map(rows.map((row) => [row.object, row]))
  return [...builtins.values()].map((row) => ({ label: row.label, name: row.name, grants: grants(row.object) }))
}

export async function readSystemRelationGrants(db: Queryable): Promise<Catalog['systemRelationGrants']> {
  const { rows } = await db.query<GrantRow & { name: string }>(`
    select c.oid::int8::float8 as object, c.relname::text as name, ${EXPLODED}
    from pg_catalog.pg_class c
    left join pg_catalog.pg_init_privs i on i.objoid = c.oid and i.classoid = 'pg_catalog.pg_class'::regclass and i.objsubid = 0
    cross join lateral pg_catalog.aclexplode(c.relacl) a
    where c.relnamespace = 'pg_catalog'::regnamespace and c.relacl is not null
      and c.relacl is distinct from coalesce(i.initprivs, pg_catalog.acldefault('r', c.relowner)) order by 2, 3`)
  const grants = groupGrants(rows)
  const relations = new Map(rows.map((row) => [row.object, row]))
  return [...relations.values()].map((row) => ({ name: row.name, grants: grants(row.object) }))
}

export async function readUnfixedStatisticsViews(db: Queryable): Promise<readonly string[]> {
  // In fixed servers these views check the rights of the table's owner. An update of the server does not change a view that exists already.
  const { rows } = await db.query<{ name: string }>(`
    select c.relname::text as name from pg_catalog.pg_class c
    where c.oid in ('pg_catalog.pg_stats_ext'::regclass, 'pg_catalog.pg_stats_ext_exprs'::regclass)
      and pg_catalog.pg_get_viewdef(c.oid) !~ 'pg_has_role'
      and exists (select from pg_catalog.pg_statistic_ext) order by 1`)
  return rows.map((row) => row.name)
}
