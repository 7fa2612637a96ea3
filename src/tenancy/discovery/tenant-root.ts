import type { Column, Relation } from '../../catalog/model.ts'
import { looksLikeRoot, stemOf } from './tenant-names.ts'

/** Whether a relation stores rows: it is no view and no sequence. */
export function isTable(relation: Relation): boolean {
  return relation.kind === 'table' || relation.kind === 'partitioned-table' || relation.kind === 'foreign-table'
}

/** The table of tenants: the target of the tenant columns' foreign keys, or else a table with a fitting name. */
export function findRoot(
  tables: readonly Relation[],
  columnName: string,
): { readonly relation: Relation; readonly key: Column } | undefined {
  const targets = new Map<number, number>()
  for (const relation of tables) {
    const column = relation.columns.find((candidate) => candidate.name === columnName)
    if (column === undefined) continue
    for (const constraint of relation.constraints) {
      if (
        constraint.references === undefined ||
        constraint.columns.length !== 1 ||
        constraint.columns[0] !== column.number
      )
        continue
      const target = constraint.references.relation
      if (target !== relation.oid) targets.set(target, (targets.get(target) ?? 0) + 1)
    }
  }
  const [best] = [...targets].sort((a, b) => b[1] - a[1])
  const byKey = best === undefined ? undefined : tables.find((table) => table.oid === best[0])
  const relation =
    byKey ??
    tables.find(
      (table) =>
        looksLikeRoot(table.name, stemOf(columnName)) && !table.columns.some((column) => column.name === columnName),
    )
  if (relation === undefined) return undefined
  const referenced = tables
    .flatMap((table) => table.constraints)
    .find(
      (constraint) => constraint.references?.relation === relation.oid && constraint.references.columns.length === 1,
    )
  const primary = relation.constraints.find(
    (constraint) => constraint.kind === 'primary-key' && constraint.columns.length === 1,
  )
  const number = byKey === undefined ? primary?.columns[0] : (referenced?.references?.columns[0] ?? primary?.columns[0])
  const key = relation.columns.find((column) => column.number === number)
  return key === undefined ? undefined : { relation, key }
}
