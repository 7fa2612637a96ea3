import type { Column, Relation } from '../../catalog/model.ts'
import { quoteIdentifier, quoteLiteral } from '../../catalog/names.ts'
import type { Arena } from './arena.ts'
import type { PlantedRow, Side } from './planting.ts'

/** A WHERE condition for one planted row, on columns of `allowed`; undefined when none identifies it. */
export function rowFilter(relation: Relation, row: PlantedRow, allowed: readonly Column[]): string | undefined {
  const primary = relation.constraints.find((constraint) => constraint.kind === 'primary-key')
  const key = allowed.filter((column) => primary?.columns.includes(column.number) === true)
  const whole = primary !== undefined && key.length === primary.columns.length
  const filters = (whole ? key : allowed).flatMap((column) => {
    const value = row.values[column.name]
    if (value === undefined) return []
    const name = quoteIdentifier(column.name)
    // Text, because not every type has =, and a filter must not fail where the row would be seen.
    return value === null ? [`${name} is null`] : [`${name}::text = ${quoteLiteral(value)}`]
  })
  return filters.length === 0 ? undefined : filters.join(' and ')
}

/** The planted row that a relation shows: a partition or heir shows what its family's table was given. */
export function plantedRow(arena: Arena, relation: Relation, side: Side): PlantedRow | undefined {
  let table: Relation | undefined = relation
  while (table?.isPartition === true) table = arena.facts.relationOf(table.parents[0] ?? 0)
  return table === undefined ? undefined : arena.row(table, side)
}
