import type { Oid, Relation } from '../../catalog/model.ts'

/** The tables to plant rows in, referenced tables first. Partitions are left out: they get their rows through the parent. */
export function plantingOrder(relations: readonly Relation[]): readonly Relation[] {
  const tables = relations.filter(
    (relation) => (relation.kind === 'table' || relation.kind === 'partitioned-table') && !relation.isPartition,
  )
  const byOid = new Map(tables.map((table) => [table.oid, table]))
  const order: Relation[] = []
  const state = new Map<Oid, 'open' | 'done'>()
  const visit = (table: Relation, mustOnly: boolean): void => {
    if (state.has(table.oid)) return
    state.set(table.oid, 'open')
    for (const target of targetsOf(table, mustOnly)) {
      const parent = byOid.get(target)
      if (parent !== undefined) visit(parent, mustOnly)
    }
    state.set(table.oid, 'done')
    order.push(table)
  }
  // Tables that reference each other in a circle: only foreign keys that can't be NULL decide the order.
  for (const table of tables) visit(table, isInCircle(table, byOid))
  return order
}

function targetsOf(table: Relation, mustOnly: boolean): readonly Oid[] {
  return table.constraints.flatMap((constraint) => {
    if (constraint.references === undefined || constraint.references.relation === table.oid) return []
    const nullable = constraint.columns.some(
      (number) => table.columns.find((column) => column.number === number)?.notNull === false,
    )
    return mustOnly && nullable ? [] : [constraint.references.relation]
  })
}

function isInCircle(table: Relation, byOid: ReadonlyMap<Oid, Relation>): boolean {
  const seen = new Set<Oid>()
  const edge = [...targetsOf(table, false)]
  for (let oid = edge.pop(); oid !== undefined; oid = edge.pop()) {
    if (oid === table.oid) return true
    if (seen.has(oid)) continue
    seen.add(oid)
    const next = byOid.get(oid)
    if (next !== undefined) edge.push(...targetsOf(next, false))
  }
  return false
}
