import type { DatabaseFunction, Relation } from '../../catalog/model.ts'
import type { Facts } from '../../tenancy/facts.ts'

/** True when the table's policies do not apply to the owner of a SECURITY DEFINER function. */
export function ownerEscapes(facts: Facts, fn: DatabaseFunction, relation: Relation): boolean {
  const owner = facts.catalog.roles.get(fn.owner)
  if (owner === undefined || owner.superuser || owner.bypassRls || !relation.rowSecurity) return true
  return !relation.forceRowSecurity && facts.graph.rightsOf(owner.oid).has(relation.owner)
}
