import type { Policy, Relation } from '../../../catalog/model.ts'
import type { Planning } from '../../input.ts'
import { OWN_POLICIES } from './policy-text.ts'

/**
 * State of a table's own policies before partywall adds any. It decides which policies may be added. Afterwards no session may see more
 * rows than before, or fewer rows of its own tenant.
 *
 * - `open`: row-level security is off and there is no policy. Every role with a privilege sees all rows.
 * - `dormant`: row-level security is off, and policies exist without effect. Every role with a privilege sees all rows.
 * - `own`: row-level security is on, and permissive policies that the user wrote show rows.
 * - `closed`: row-level security is on and no policy shows a row.
 */
export type Stance = 'open' | 'dormant' | 'own' | 'closed'

export function stanceOf(relation: Relation): Stance {
  const permissive = usersPolicies(relation).some((policy) => policy.permissive)
  // A permissive policy of ours was written by an earlier run, when the table was open.
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

/** Whether the policy applies to a role that the application works as. True if these roles are not known. */
export function appliesToApp(planning: Planning, policy: Policy): boolean {
  if (policy.roles.includes(0) || planning.appRole === undefined) return true
  return planning.acting.some((role) => policy.roles.some((oid) => planning.rightsOf(role.oid).has(oid)))
}

export function coversVerb(policy: Policy, verb: string): boolean {
  return policy.command === 'all' || policy.command === verb
}
