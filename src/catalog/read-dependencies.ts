import type { Oid, Queryable } from './model.ts'
import { LEFT_OUT } from './read-relations.ts'

type DependentClass = 'pg_policy' | 'pg_rewrite' | 'pg_attrdef' | 'pg_constraint' | 'pg_proc' | 'pg_index'
type TargetClass = 'pg_proc' | 'pg_class'

/** Dependencies in pg_depend: functions and relations that objects need, and the objects of each extension. */
export interface Dependencies {
  /** The functions or relations that an object needs. */
  of(dependent: DependentClass, oid: Oid, target: TargetClass): readonly Oid[]
  /** The extension that owns an object. */
  extensionOf(objectClass: 'pg_class' | 'pg_proc' | 'pg_type' | 'pg_namespace', oid: Oid): string | undefined
  /** The functions that the default of a column needs. */
  defaultFunctions(relation: Oid, column: number): readonly Oid[]
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

export async function readDependencies(db: Queryable): Promise<Dependencies> {
  // An index's own edges hang on its pg_class entry; they are told apart by relkind.
  const edges = await db.query<EdgeRow>(`
    select distinct case when k.oid is not null then 'pg_index' else f.relname::text end as from_class, d.objid::int8::float8 as from_oid,
           t.relname::text as to_class, d.refobjid::int8::float8 as to_oid
    from pg_catalog.pg_depend d
    join pg_catalog.pg_class f on f.oid = d.classid join pg_catalog.pg_class t on t.oid = d.refclassid
    left join pg_catalog.pg_class k on d.classid = 'pg_catalog.pg_class'::regclass and k.oid = d.objid and k.relkind in ('i', 'I')
    where t.relname in ('pg_proc', 'pg_class') and t.relnamespace = 'pg_catalog'::regnamespace
      and (f.relname in ('pg_policy', 'pg_rewrite', 'pg_attrdef', 'pg_constraint', 'pg_proc') or (k.oid is not null and t.relname = 'pg_proc'))
      and d.objid >= 16384 and (d.classid, d.objid) not in (select left_out.class, left_out.oid from (${OBJECTS_LEFT_OUT}) left_out)`)
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
  const defaultOids = new Map(defaults.rows.map((row) => [`${row.relation}/${row.column_number}`, row.oid]))
  const of: Dependencies['of'] = (dependent, oid, target) => byObject.get(`${dependent}/${oid}/${target}`) ?? []
  return {
    of,
    extensionOf: (objectClass, oid) => extensions.get(`${objectClass}/${oid}`),
    defaultFunctions: (relation, column) => {
      const oid = defaultOids.get(`${relation}/${column}`)
      return oid === undefined ? [] : of('pg_attrdef', oid, 'pg_proc')
    },
  }
}
