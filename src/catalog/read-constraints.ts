import { USER_SCHEMA } from './left-out-schemas.ts'
import type { Constraint, ForeignKeyAction, Index, Oid, Queryable } from './model.ts'
import { readBlindKeys } from './read-blind-keys.ts'
import type { Dependencies } from './read-dependencies.ts'

const KINDS = {
  c: 'check',
  f: 'foreign-key',
  p: 'primary-key',
  u: 'unique',
  x: 'exclusion',
  n: 'not-null',
  t: 'trigger',
} as const
const ACTIONS: Readonly<Record<string, ForeignKeyAction>> = {
  a: 'no-action',
  r: 'restrict',
  c: 'cascade',
  n: 'set-null',
  d: 'set-default',
}

interface ConstraintRow extends Record<string, unknown> {
  readonly oid: Oid
  readonly name: string
  readonly kind: keyof typeof KINDS
  readonly relation: Oid
  readonly domain: Oid
  readonly columns: readonly number[] | null
  readonly definition: string
  readonly expression: string | null
  readonly validated: boolean
  readonly enforced: boolean
  readonly overlaps: boolean
  readonly index: Oid
  readonly parent: Oid
  readonly referenced: Oid
  readonly referenced_columns: readonly number[] | null
  readonly on_delete: string
  readonly on_update: string
  readonly match: string
  readonly set_columns: readonly number[] | null
}

export async function readConstraints(
  db: Queryable,
  dependencies: Dependencies,
  version: number,
): Promise<readonly Constraint[]> {
  const recent =
    version >= 180000 ? 'c.conenforced as enforced, c.conperiod as overlaps' : 'true as enforced, false as overlaps'
  const { rows } = await db.query<ConstraintRow>(`
    select c.oid::int8::float8 as oid, c.conname::text as name, c.contype::text as kind, c.conrelid::int8::float8 as relation,
           c.contypid::int8::float8 as domain, c.conkey::int[] as columns, pg_catalog.pg_get_constraintdef(c.oid) as definition,
           pg_catalog.pg_get_expr(c.conbin, c.conrelid) as expression, c.convalidated as validated, ${recent},
           c.conindid::int8::float8 as index, c.conparentid::int8::float8 as parent, c.confrelid::int8::float8 as referenced,
           c.confkey::int[] as referenced_columns, c.confdeltype::text as on_delete, c.confupdtype::text as on_update,
           c.confmatchtype::text as match, c.confdelsetcols::int[] as set_columns
    from pg_catalog.pg_constraint c join pg_catalog.pg_namespace n on n.oid = c.connamespace
    where ${USER_SCHEMA} order by 4, 2`)
  return rows.map((row) =>
    Object.freeze<Constraint>({
      oid: row.oid,
      name: row.name,
      kind: KINDS[row.kind],
      relation: row.relation,
      domain: row.domain,
      columns: row.columns ?? [],
      definition: row.definition,
      expression: row.expression ?? undefined,
      validated: row.validated,
      enforced: row.enforced,
      withoutOverlaps: row.overlaps,
      index: row.index,
      parent: row.parent,
      functions: dependencies.of('pg_constraint', row.oid, 'pg_proc'),
      references:
        row.kind === 'f'
          ? {
              relation: row.referenced,
              columns: row.referenced_columns ?? [],
              onDelete: ACTIONS[row.on_delete] ?? 'no-action',
              onUpdate: ACTIONS[row.on_update] ?? 'no-action',
              match: row.match === 'f' ? 'full' : row.match === 'p' ? 'partial' : 'simple',
              setColumns: row.set_columns ?? [],
            }
          : undefined,
    }),
  )
}

interface IndexRow extends Record<string, unknown> {
  readonly oid: Oid
  readonly name: string
  readonly relation: Oid
  readonly is_unique: boolean
  readonly is_primary: boolean
  readonly exclusion: boolean
  readonly valid: boolean
  readonly columns: readonly number[]
  readonly expressions: string | null
  readonly predicate: string | null
  readonly definition: string
  readonly method: string
}

export async function readIndexes(db: Queryable, dependencies: Dependencies): Promise<readonly Index[]> {
  const { rows } = await db.query<IndexRow>(`
    select i.indexrelid::int8::float8 as oid, c.relname::text as name, i.indrelid::int8::float8 as relation, i.indisunique as is_unique,
           i.indisprimary as is_primary, i.indisexclusion as exclusion, i.indisvalid as valid,
           (i.indkey::int2[])[0:i.indnkeyatts - 1]::int[] as columns, pg_catalog.pg_get_expr(i.indexprs, i.indrelid) as expressions,
           pg_catalog.pg_get_expr(i.indpred, i.indrelid) as predicate, pg_catalog.pg_get_indexdef(i.indexrelid) as definition,
           m.amname::text as method
    from pg_catalog.pg_index i join pg_catalog.pg_class c on c.oid = i.indexrelid join pg_catalog.pg_namespace n on n.oid = c.relnamespace
    join pg_catalog.pg_am m on m.oid = c.relam
    where ${USER_SCHEMA} order by 3, 2`)
  const blindKeys = await readBlindKeys(db)
  return rows.map((row) =>
    Object.freeze({
      oid: row.oid,
      name: row.name,
      relation: row.relation,
      unique: row.is_unique,
      primary: row.is_primary,
      exclusion: row.exclusion,
      valid: row.valid,
      columns: row.columns,
      expressions: row.expressions ?? undefined,
      predicate: row.predicate ?? undefined,
      definition: row.definition,
      method: row.method,
      functions: dependencies.of('pg_index', row.oid, 'pg_proc'),
      blindKeys: blindKeys.get(row.oid) ?? [],
    }),
  )
}
