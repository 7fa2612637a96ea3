import type { Relation } from '../../catalog/model.ts'
import { qualifiedName, quoteIdentifier, quoteLiteral } from '../../catalog/names.ts'
import type { Arena } from './arena.ts'
import type { PlantedRow } from './planting.ts'
import { plantedRow, rowFilter } from './row-filters.ts'

/** The state of B's row in a table before the attacks. */
export interface Baseline {
  /** Physical place of B's row (table and ctid). Every UPDATE changes it. */
  readonly place: string
  /** How many rows the table shows for tenant B, including rows of inheriting tables and rows that were there before. */
  readonly marked: number
}

/** The baseline of each table with a row of B. Tables whose row the planting role can't see are left out. */
export async function baselines(
  arena: Arena,
  relations = arena.facts.relations,
): Promise<ReadonlyMap<number, Baseline>> {
  const known = new Map<number, Baseline>()
  for (const relation of relations) {
    const where = arena.facts.tenantTable(relation) === undefined ? undefined : victimRow(arena, relation)
    if (where === undefined) continue
    const mark = tenantMark(arena, relation, where.row) ?? 'false'
    const table = qualifiedName(relation)
    const seen = await arena.asPlanter(() =>
      arena.session.text(
        `select ${PLACE} as place, (select count(*) from ${table} where ${mark}) as marked from ${table} where ${where.filter}`,
      ),
    )
    const { place, marked } = (seen.ok ? seen.value.rows[0] : undefined) ?? {}
    if (typeof place === 'string') known.set(relation.oid, { place, marked: Number(marked) })
  }
  return known
}

/** SQL for the physical place of a row version. */
export const PLACE = `tableoid::text || ctid::text`

/** B's planted row of a relation, and a WHERE condition for it. */
export function victimRow(
  arena: Arena,
  relation: Relation,
): { readonly row: PlantedRow; readonly filter: string } | undefined {
  const row = plantedRow(arena, relation, 'b')
  const filter = row === undefined ? undefined : rowFilter(relation, row, relation.columns)
  return row === undefined || filter === undefined ? undefined : { row, filter }
}

/** The columns that bind a row to its tenant: the tenant column, or the foreign key to the parent. */
export function bindingColumns(arena: Arena, relation: Relation): readonly string[] {
  const table = arena.facts.tenantTable(relation)
  if (table === undefined) return []
  return table.kind === 'child' ? (table.parents[0]?.columns ?? []) : [table.column.name]
}

/** A WHERE condition for all rows with the tenant (or parent) of this row. Undefined if a binding column is missing or NULL. */
export function tenantMark(arena: Arena, relation: Relation, row: PlantedRow): string | undefined {
  const columns = relation.columns.filter((column) => bindingColumns(arena, relation).includes(column.name))
  if (columns.length === 0 || columns.some((column) => typeof row.values[column.name] !== 'string')) return undefined
  return columns
    .map((column) => `${quoteIdentifier(column.name)}::text = ${quoteLiteral(row.values[column.name] ?? '')}`)
    .join(' and ')
}
