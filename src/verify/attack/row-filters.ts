import type { Column, Relation } from '../../catalog/model.ts'
import { qualifiedName, quoteIdentifier, quoteLiteral } from '../../catalog/names.ts'
import type { ActingRole } from '../../tenancy/facts.ts'
import type { Arena } from './arena.ts'
import type { PlantedRow, Side } from './planting.ts'

/**
 * A WHERE condition for one planted row that uses only the columns in `allowed`. Undefined if none of these columns has a planted value.
 */
export function rowFilter(relation: Relation, row: PlantedRow, allowed: readonly Column[]): string | undefined {
  const primary = relation.constraints.find((constraint) => constraint.kind === 'primary-key')
  const key = allowed.filter((column) => primary?.columns.includes(column.number) === true)
  const whole = primary !== undefined && key.length === primary.columns.length
  const filters = (whole ? key : allowed).flatMap((column) => {
    const value = row.values[column.name]
    if (value === undefined) return []
    const name = quoteIdentifier(column.name)
    // Compare as text: not every type has an = operator, and an error here would look as if the row were not visible.
    return value === null ? [`${name} is null`] : [`${name}::text = ${quoteLiteral(value)}`]
  })
  return filters.length === 0 ? undefined : filters.join(' and ')
}

/** A SELECT of one planted row, as a probe. */
export interface ReadProbe {
  readonly key: string
  readonly sql: string
  readonly verb: 'select'
  readonly relation: Relation
  readonly victim: Side
}

/** A SELECT that finds the row by columns that the role may read. Undefined if the role may read no column. */
export function readProbe(
  { facts }: Arena,
  role: ActingRole,
  victim: Side,
  { relation, row }: { readonly relation: Relation; readonly row: PlantedRow },
): ReadProbe | undefined {
  const readable = relation.columns.filter((column) =>
    facts.privileges.onColumn(role.role.oid, relation, column, 'SELECT'),
  )
  const filter = rowFilter(relation, row, readable)
  if (filter === undefined) return undefined
  const sql = `select 1 from ${qualifiedName(relation)} where ${filter}`
  return { key: `${relation.oid}/${victim}`, sql, verb: 'select', relation, victim }
}

/** The planted row of a relation. For a partition, the planted row of the partitioned table. */
export function plantedRow(arena: Arena, relation: Relation, side: Side): PlantedRow | undefined {
  let table: Relation | undefined = relation
  while (table?.isPartition === true) table = arena.facts.relationOf(table.parents[0] ?? 0)
  return table === undefined ? undefined : arena.row(table, side)
}
