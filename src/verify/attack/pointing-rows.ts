import type { Column, Relation } from '../../catalog/model.ts'
import type { Arena } from './arena.ts'

/** A column of one table, set to the key of B's row in another table. */
interface Pointer {
  readonly column: Column
  readonly value: string
  readonly to: Relation
}

/** Maximum number of pointers of one table. More would make a table with many columns slow. */
const MOST = 8

/**
 * Ways in which a row of `relation` can point at B's rows in `targets`. Foreign keys come first, then columns of the key's type whose
 * name fits the table, then other columns of that type.
 */
export function pointers(arena: Arena, relation: Relation, targets: readonly Relation[]): readonly Pointer[] {
  const own = arena.facts.tenantTable(relation)?.column
  const found: (Pointer & { readonly rank: number })[] = []
  for (const target of targets) {
    const row = arena.row(target, 'b')
    const tenant = arena.facts.tenantTable(target)?.column
    const keyed = new Set(target.indexes.filter((index) => index.unique).flatMap((index) => index.columns))
    for (const key of target.columns) {
      const value = row?.values[key.name]
      if (typeof value !== 'string' || key === tenant || !keyed.has(key.number)) continue
      for (const column of relation.columns) {
        if (column === own || column.generated !== undefined || column.baseType !== key.baseType) continue
        const refers = relation.constraints.some(
          (constraint) => constraint.references?.relation === target.oid && constraint.columns.includes(column.number),
        )
        const stem = target.name.replace(/ies$/, 'y').replace(/s$/, '')
        const rank = refers ? 0 : column.name.includes(stem) ? 1 : 2
        found.push({ column, value, to: target, rank })
      }
    }
  }
  return found.toSorted((a, b) => a.rank - b.rank).slice(0, MOST)
}
