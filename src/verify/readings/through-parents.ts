import type { Relation } from '../../catalog/model.ts'
import type { Facts } from '../../tenancy/facts.ts'

/**
 * Some acting role may run the statement on the table, or on a parent through which it reaches the rows: grants on the parent are
 * all that is asked then. An INSERT goes on to partitions only, UPDATE and DELETE to every table that inherits.
 */
export function reachedThrough(
  facts: Facts,
  relation: Relation,
  privilege: 'INSERT' | 'UPDATE' | 'DELETE' | 'TRUNCATE',
): boolean {
  if (facts.reach(relation, privilege).length > 0) return true
  if (privilege === 'INSERT' && !relation.isPartition) return false
  return relation.parents.some((oid) => {
    const parent = facts.relationOf(oid)
    return parent !== undefined && reachedThrough(facts, parent, privilege)
  })
}
