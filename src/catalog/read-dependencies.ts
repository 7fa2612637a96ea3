import { LEFT_OUT } from './left-out-schemas.ts'
import type { Oid, Queryable } from './model.ts'

const DEPENDENTS = ['pg_policy', 'pg_rewrite', 'pg_attrdef', 'pg_constraint', 'pg_proc'] as const
const TARGETS = ['pg_proc', 'pg_class'] as const

type DependentClass = (typeof DEPENDENTS)[number] | 'pg_index'
type TargetClass = (typeof TARGETS)[number]

/** Dependencies in pg_depend: functions and relations that objects need, and the objects of each extension. */
export interface Dependencies {
  /** The functions or relations that an object needs. */
  of(dependent: DependentClass, oid: Oid, target: TargetClass): readonly Oid[]
  /** The extension that owns an object. */
  extensionOf(objectClass: 'pg_class' | 'pg_proc' | 'pg_type' | 'pg_namespace', oid: Oid): string | undefined
  /** The functions that the default of a column needs. The default of a domain is not among them. */
  defaultFunctions(relation: Oid, column: number): readonly Oid[]
  /** The functions that the default and the CHECK constraints of a domain need, and those of the domains on which it is based. */
  domainFunctions(type: Oid): readonly Oid[]
}

interface EdgeRow extends Record<string, unknown> {
  readonly from_class: string
  readonly from_oid: Oid
  readonly to_class: string
  readonly to_oid: Oid
}

/** Policies, defaults, constraints and indexes of schemas that are left out. */
const OBJECTS_LEFT_OUT = `
  select k.class, k.oid from (
    select 'pg_catalog.pg_policy'::regclass::oid as class, oid, polrelid as relation from pg_catalog.pg_policy
    union all select 'pg_catalog.pg_attrdef'::regclass, oid, adrelid from pg_catalog.pg_attrdef
    union all select 'pg_catalog.pg_constraint'::regclass, oid, conrelid from pg_catalog.pg_constraint
    union all select 'pg_catalog.pg_class'::regclass, indexrelid, indrelid from pg_catalog.pg_index) k
  join pg_catalog.pg_class c on c.oid = k.relation where c.relnamespace in ${LEFT_OUT}`

function classValues(names: readonly string[]): string {
  return names.map((name) => `('pg_catalog.${name}'::regclass::oid, '${name}')`).join(', ')
}

/** For each domain: the functions of its default, of its CHECK constraints, and of those of the domains below. */
const DOMAIN_FUNCTIONS = `
  with recursive chain(type, part) as (
    select oid, oid from pg_catalog.pg_type where typtype = 'd'
    union all
    select chain.type, t.typbasetype from chain join pg_catalog.pg_type t on t.oid = chain.part where t.typtype = 'd'
  )
  select chain.type::int8::float8 as type, d.refobjid::int8::float8 as function
  from chain join pg_catalog.pg_depend d on d.classid = 'pg_catalog.pg_type'::regclass and d.objid = chain.part
  where d.refclassid = 'pg_catalog.pg_proc'::regclass and d.objid >= 16384
  union
  select chain.type::int8::float8, d.refobjid::int8::float8
  from chain join pg_catalog.pg_constraint k on k.contypid = chain.part
  join pg_catalog.pg_depend d on d.classid = 'pg_catalog.pg_constraint'::regclass and d.objid = k.oid
  where d.refclassid = 'pg_catalog.pg_proc'::regclass
  order by 1, 2`

export async function readDependencies(db: Queryable): Promise<Dependencies> {
  // The classes are compared by OID: a join with pg_class for each of thousands of rows took two thirds of the query's time.
  // The dependencies of an index belong to its pg_class entry; relkind tells this entry from that of a table.
  const edges = await db.query<EdgeRow>(`
    with edges as (
      select dependent.class as from_class, d.classid, d.objid, target.class as to_class, d.refobjid
      from pg_catalog.pg_depend d
      join (values ${classValues(DEPENDENTS)}) dependent (oid, class) on dependent.oid = d.classid
      join (values ${classValues(TARGETS)}) target (oid, class) on target.oid = d.refclassid
      where d.objid >= 16384
      union all
      select 'pg_index', d.classid, d.objid, 'pg_proc', d.refobjid
      from pg_catalog.pg_depend d join pg_catalog.pg_class k on k.oid = d.objid and k.relkind in ('i', 'I')
      where d.classid = 'pg_catalog.pg_class'::regclass and d.refclassid = 'pg_catalog.pg_proc'::regclass and d.objid >= 16384
    )
    select distinct e.from_class, e.objid::int8::float8 as from_oid, e.to_class, e.refobjid::int8::float8 as to_oid from edges e
    where (e.classid, e.objid) not in (select left_out.class, left_out.oid from (${OBJECTS_LEFT_OUT}) left_out)`)
  const byObject = new Map<string, Oid[]>()
  for (const row of edges.rows) {
    const key = `${row.from_class}/${row.from_oid}/${row.to_class}`
    const list = byObject.get(key) ?? []
    list.push(row.to_oid)
    byObject.set(key, list)
  }
  const members = await db.query<{ object_class: string; oid: Oid; extension: string }>(`
    select c.relname::text as object_class, d.objid::int8::float8 as oid, e.extname::text as extension
    from pg_catalog.pg_depend d join pg_catalog.pg_extension e on e.oid = d.refobjid join pg_catalog.pg_class c on c.oid = d.classid
    where d.deptype = 'e' and d.refclassid = 'pg_catalog.pg_extension'::regclass`)
  const extensions = new Map(members.rows.map((row) => [`${row.object_class}/${row.oid}`, row.extension]))
  const defaults = await db.query<{ oid: Oid; relation: Oid; column_number: number }>(
    'select oid::int8::float8 as oid, adrelid::int8::float8 as relation, adnum::int as column_number from pg_catalog.pg_attrdef',
  )
  const ofDomains = new Map<Oid, Oid[]>()
  for (const row of (await db.query<{ type: Oid; function: Oid }>(DOMAIN_FUNCTIONS)).rows)
    ofDomains.set(row.type, [...(ofDomains.get(row.type) ?? []), row.function])
  const defaultOids = new Map(defaults.rows.map((row) => [`${row.relation}/${row.column_number}`, row.oid]))
  const of: Dependencies['of'] = (dependent, oid, target) => byObject.get(`${dependent}/${oid}/${target}`) ?? []
  return {
    of,
    extensionOf: (objectClass, oid) => extensions.get(`${objectClass}/${oid}`),
    defaultFunctions: (relation, column) => {
      const oid = defaultOids.get(`${relation}/${column}`)
      return oid === undefined ? [] : of('pg_attrdef', oid, 'pg_proc')
    },
    domainFunctions: (type) => ofDomains.get(type) ?? [],
  }
}
