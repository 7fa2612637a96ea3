import type { Relation } from '../../catalog/model.ts'
import type { Facts } from '../../tenancy/facts.ts'

/**
 * Whether some acting role may run the statement on the table, or on a parent table through which the statement reaches the rows. For a
 * statement on a parent, PostgreSQL checks only the parent's grants. An INSERT is routed to partitions only; UPDATE and DELETE reach every
 * inheriting table.
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
