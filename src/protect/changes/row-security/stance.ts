import type { Policy, Relation } from '../../../catalog/model.ts'
import type { Planning } from '../../input.ts'
import { OWN_POLICIES } from './policy-text.ts'

/**
 * What a table's own policies say before anything of ours is added. It decides what may be added without letting anybody see
 * more than before, or less inside its own tenant.
 *
 * - `open`: row security is off and there is no policy. Everybody with a right sees all rows.
 * - `dormant`: row security is off, and policies wait for it. Until now everybody with a right sees all rows.
 * - `own`: row security is on, and permissive policies of the user's own let rows through.
 * - `closed`: row security is on and nothing lets a row through.
 */
export type Stance = 'open' | 'dormant' | 'own' | 'closed'

export function stanceOf(relation: Relation): Stance {
  const permissive = usersPolicies(relation).some((policy) => policy.permissive)
  // Written by an earlier run, on a table that was open then.
  const ours = relation.policies.some((policy) => policy.name === 'tenant_isolation_policy' && policy.permissive)
  if (ours || !relation.rowSecurity) return permissive || hasRestrictive(relation) ? 'dormant' : 'open'
  return permissive ? 'own' : 'closed'
}

/** The policies that partywall did not write. */
export function usersPolicies(relation: Relation): readonly Policy[] {
  return relation.policies.filter((policy) => !OWN_POLICIES.has(policy.name))
}

function hasRestrictive(relation: Relation): boolean {
  return usersPolicies(relation).some((policy) => !policy.permissive)
}

/** Whether the policy applies to a role that the application works as. Where that role is unknown: to anybody. */
export function appliesToApp(planning: Planning, policy: Policy): boolean {
  if (policy.roles.includes(0) || planning.appRole === undefined) return true
  return planning.acting.some((role) => policy.roles.some((oid) => planning.rightsOf(role.oid).has(oid)))
}

export function coversVerb(policy: Policy, verb: string): boolean {
  return policy.command === 'all' || policy.command === verb
}
