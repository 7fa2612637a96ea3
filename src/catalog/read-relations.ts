import { USER_SCHEMA } from './left-out-schemas.ts'
import type { Column, Oid, Queryable, Relation, RelationKind } from './model.ts'
import { withoutExtensionSchema } from './names.ts'
import type { Dependencies } from './read-dependencies.ts'
import { type GrantRow, groupGrants, splitEntry } from './read-roles.ts'

const KINDS: Readonly<Record<string, RelationKind>> = {
  r: 'table',
  p: 'partitioned-table',
  v: 'view',
  m: 'materialized-view',
  f: 'foreign-table',
  S: 'sequence',
}

/** A relation before its policies, constraints and so on are attached. */
type BareRelation = Omit<
  Relation,
  | 'policies'
  | 'constraints'
  | 'indexes'
  | 'triggers'
  | 'rules'
  | 'readsRelations'
  | 'callsFunctions'
  | 'extension'
  | 'largestShares'
>

interface RelationRow extends Record<string, unknown> {
  readonly oid: Oid
  readonly schema: string
  readonly schema_oid: Oid
  readonly name: string
  readonly kind: string
  readonly owner: Oid
  readonly row_security: boolean
  readonly force: boolean
  readonly partition: boolean
  readonly persistence: string
  readonly bound: string | null
  readonly partition_key: string | null
  readonly options: readonly string[] | null
  readonly definition: string | null
  readonly updatable: number
  readonly server: Oid | null
  readonly tuples: number
  readonly comment: string | null
}

interface ColumnRow extends Record<string, unknown> {
  readonly relation: Oid
  readonly number: number
  readonly name: string
  readonly type: string
  readonly type_oid: Oid
  readonly base_type: string
  readonly base_oid: Oid
  readonly category: string
  readonly not_null: boolean
  readonly default_text: string | null
  readonly own_default: boolean
  readonly generated: string
  readonly identity: string
  readonly collation: string | null
  readonly deterministic: boolean
}

export async function readRelations(
  db: Queryable,
  dependencies: Pick<Dependencies, 'defaultFunctions' | 'domainFunctions'>,
): Promise<readonly BareRelation[]> {
  const relations = await db.query<RelationRow>(`
    select c.oid::int8::float8 as oid, n.nspname::text as schema, n.oid::int8::float8 as schema_oid, c.relname::text as name, c.relkind::text as kind,
           c.relowner::int8::float8 as owner, c.relrowsecurity as row_security, c.relforcerowsecurity as force,
           c.relispartition as partition, c.relpersistence::text as persistence, c.reloptions::text[] as options,
           case when c.relkind in ('v', 'm') then pg_catalog.pg_get_viewdef(c.oid) end as definition,
           case when c.relkind = 'v' then pg_catalog.pg_relation_is_updatable(c.oid, true) else 0 end as updatable,
           f.ftserver::int8::float8 as server, c.reltuples::float8 as tuples,
           pg_catalog.pg_get_expr(c.relpartbound, c.oid) as bound,
           case when c.relkind = 'p' then pg_catalog.pg_get_partkeydef(c.oid) end as partition_key,
           pg_catalog.obj_description(c.oid, 'pg_class') as comment
    from pg_catalog.pg_class c join pg_catalog.pg_namespace n on n.oid = c.relnamespace
    left join pg_catalog.pg_foreign_table f on f.ftrelid = c.oid
    where c.relkind in ('r', 'p', 'v', 'm', 'f', 'S') and ${USER_SCHEMA}
    order by n.nspname, c.relname`)
  const columns = await readColumns(db, dependencies)
  const grants = groupGrants(
    (
      await db.query<GrantRow>(`
    select c.oid::int8::float8 as object, 0 as part, a.grantee::int8::float8 as grantee, a.privilege_type as privilege, a.is_grantable as grantable
    from pg_catalog.pg_class c join pg_catalog.pg_namespace n on n.oid = c.relnamespace,
         pg_catalog.aclexplode(coalesce(c.relacl, pg_catalog.acldefault(case when c.relkind = 'S' then 's'::"char" else 'r'::"char" end, c.relowner))) a
    where c.relkind in ('r', 'p', 'v', 'm', 'f', 'S') and ${USER_SCHEMA} order by 1, 3, 4`)
    ).rows,
  )
  const { parents, children } = await readInheritance(db)
  return relations.rows.map((row) => ({
    oid: row.oid,
    schema: row.schema,
    schemaOid: row.schema_oid,
    name: row.name,
    label: `${row.schema}.${row.name}`,
    kind: KINDS[row.kind] ?? 'table',
    owner: row.owner,
    rowSecurity: row.row_security,
    forceRowSecurity: row.force,
    isPartition: row.partition,
    partitionBound: row.bound ?? undefined,
    partitionKey: row.partition_key ?? undefined,
    temporary: row.persistence === 't',
    unlogged: row.persistence === 'u',
    options: new Map((row.options ?? []).map(splitEntry).map(({ name, value }) => [name, value])),
    columns: columns.get(row.oid) ?? [],
    grants: grants(row.oid),
    parents: parents.get(row.oid) ?? [],
    children: children.get(row.oid) ?? [],
    viewDefinition: row.definition ?? undefined,
    updatable: row.updatable,
    foreignServer: row.server ?? undefined,
    // reltuples is -1 for a table that was never analysed.
    estimatedRows: Math.max(0, row.tuples),
    comment: row.comment ?? undefined,
  }))
}

async function readColumns(
  db: Queryable,
  dependencies: Pick<Dependencies, 'defaultFunctions' | 'domainFunctions'>,
): Promise<ReadonlyMap<Oid, readonly Column[]>> {
  // A domain may be based on another domain, and each level may say NOT NULL.
  const { rows } = await db.query<ColumnRow>(`
    with recursive base(type, below, not_null) as (
      select t.oid, t.oid, false from pg_catalog.pg_type t where t.typtype <> 'd'
      union all
      select d.oid, b.below, b.not_null or d.typnotnull
      from pg_catalog.pg_type d join base b on b.type = d.typbasetype where d.typtype = 'd'
    )
    select a.attrelid::int8::float8 as relation, a.attnum::int as number, a.attname::text as name,
           pg_catalog.format_type(a.atttypid, a.atttypmod) as type, a.atttypid::int8::float8 as type_oid,
           pg_catalog.format_type(b.below, null) as base_type, b.below::int8::float8 as base_oid, bt.typcategory::text as category,
           (a.attnotnull or b.not_null) as not_null, coalesce(pg_catalog.pg_get_expr(d.adbin, d.adrelid), pg_catalog.pg_get_expr(ty.typdefaultbin, 0)) as default_text,
           d.oid is not null as own_default,
           a.attgenerated::text as generated, a.attidentity::text as identity, l.collname::text as collation,
           coalesce(l.collisdeterministic, true) as deterministic
    from pg_catalog.pg_attribute a join pg_catalog.pg_class c on c.oid = a.attrelid
    join pg_catalog.pg_namespace n on n.oid = c.relnamespace
    join base b on b.type = a.atttypid join pg_catalog.pg_type bt on bt.oid = b.below
    join pg_catalog.pg_type ty on ty.oid = a.atttypid
    left join pg_catalog.pg_attrdef d on d.adrelid = a.attrelid and d.adnum = a.attnum
    left join pg_catalog.pg_collation l on l.oid = a.attcollation
    where a.attnum > 0 and not a.attisdropped and c.relkind in ('r', 'p', 'v', 'm', 'f') and ${USER_SCHEMA}
    order by 1, 2`)
  const columnGrants = groupGrants(
    (
      await db.query<GrantRow>(`
    select t.attrelid::int8::float8 as object, t.attnum::int as part, a.grantee::int8::float8 as grantee, a.privilege_type as privilege,
           a.is_grantable as grantable
    from pg_catalog.pg_attribute t join pg_catalog.pg_class c on c.oid = t.attrelid
    join pg_catalog.pg_namespace n on n.oid = c.relnamespace, pg_catalog.aclexplode(t.attacl) a
    where t.attacl is not null and ${USER_SCHEMA} order by 1, 2, 3, 4`)
    ).rows,
  )
  const byRelation = new Map<Oid, Column[]>()
  for (const row of rows) {
    const list = byRelation.get(row.relation) ?? []
    byRelation.set(row.relation, list)
    list.push(
      Object.freeze({
        number: row.number,
        name: row.name,
        type: row.type,
        typeOid: row.type_oid,
        baseType: withoutExtensionSchema(row.base_type),
        baseTypeOid: row.base_oid,
        category: row.category,
        notNull: row.not_null,
        default: row.default_text ?? undefined,
        hasOwnDefault: row.own_default,
        generated: row.generated === 's' ? 'stored' : row.generated === 'v' ? 'virtual' : undefined,
        identity: row.identity === 'a' ? 'always' : row.identity === 'd' ? 'by-default' : undefined,
        collation: row.collation ?? undefined,
        deterministic: row.deterministic,
        grants: columnGrants(row.relation, row.number),
        defaultFunctions: dependencies.defaultFunctions(row.relation, row.number),
        domainFunctions: dependencies.domainFunctions(row.type_oid),
      }),
    )
  }
  return byRelation
}

async function readInheritance(db: Queryable) {
  const { rows } = await db.query<{ child: Oid; parent: Oid }>(
    'select inhrelid::int8::float8 as child, inhparent::int8::float8 as parent from pg_catalog.pg_inherits order by 1, inhseqno',
  )
  const parents = new Map<Oid, Oid[]>()
  const children = new Map<Oid, Oid[]>()
  for (const { child, parent } of rows) {
    parents.set(child, [...(parents.get(child) ?? []), parent])
    const list = children.get(parent) ?? []
    list.push(child)
    children.set(parent, list)
  }
  return { parents, children }
}
