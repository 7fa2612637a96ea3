import type { DatabaseFunction, Oid, Relation } from '../../catalog/model.ts'
import type { Verb } from '../../catalog/verbs.ts'
import type { ActingRole, Facts } from '../../tenancy/facts.ts'

/** True when the table's policies do not apply to the owner of a SECURITY DEFINER function, or show the owner the rows of all tenants. */
export function ownerEscapes(facts: Facts, fn: DatabaseFunction, relation: Relation, verb: Verb = 'select'): boolean {
  const owner = facts.catalog.roles.get(fn.owner)
  if (owner === undefined || owner.superuser || owner.bypassRls || !relation.rowSecurity) return true
  if (!relation.forceRowSecurity && facts.graph.rightsOf(owner.oid).has(relation.owner)) return true
  return hasOpenPolicy(facts, owner.oid, relation, verb)
}

/**
 * Whether a policy of the role is always true, such as `FOR SELECT TO search USING (true)`, while the policies restrict the roles of the
 * application.
 */
export function hasOpenPolicy(facts: Facts, owner: Oid, relation: Relation, verb: Verb = 'select'): boolean {
  const role = facts.catalog.roles.get(owner)
  if (role === undefined || relation.policies.length === 0) return false
  const reader: ActingRole = { role, path: [role.name], rights: facts.graph.rightsOf(owner), bypasses: false }
  const isOpen = (each: ActingRole) => {
    const proof = facts.proofs.of(relation, verb, each)
    return proof.status === 'open' && proof.weaknesses.some(({ kind }) => kind === 'always-true')
  }
  // If the application's own policies are open, another rule reports these policies.
  return isOpen(reader) && !facts.acting.some((each) => !each.bypasses && isOpen(each))
}
