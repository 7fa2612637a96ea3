import type { Relation } from '../../catalog/model.ts'
import type { Facts } from '../../tenancy/facts.ts'

const COPY_NAME =
  /(^|_)(backup|bak|bkp|old|copy|tmp|temp|archive[ds]?|history|hist|snapshot|staging|stage|shadow|deleted|import|migrated|orig|dump|clone|prev|v\d+|\d{4,})(_|$)/i
const SAME_SHARE = 0.8
const MIN_COLUMNS = 3

/** The protected table of which `relation` is an unprotected copy: `relation` has the same columns, and looks like a copy by name or shape. */
export function copiedFrom(facts: Facts, relation: Relation): Relation | undefined {
  if (relation.kind !== 'table' || relation.rowSecurity || relation.parents.length > 0) return undefined
  const columns = new Set(relation.columns.map((column) => `${column.name} ${column.type}`))
  if (columns.size < MIN_COLUMNS) return undefined
  for (const { relation: original } of facts.tenancy.tables.values()) {
    if (original.oid === relation.oid || !original.rowSecurity || original.isPartition) continue
    const common = original.columns.filter((column) => columns.has(`${column.name} ${column.type}`)).length
    const share = common / Math.max(original.columns.length, 1)
    if (share < SAME_SHARE || common < MIN_COLUMNS) continue
    // Two small tables may have the same columns by chance. So ask for a name such as `orders_backup`, or for no constraint at all.
    const named = COPY_NAME.test(relation.name)
    const bare = relation.constraints.every((constraint) => constraint.kind === 'not-null') && common >= 4
    if (named || bare) return original
  }
  return undefined
}
