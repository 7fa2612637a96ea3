import { qualifiedName } from '../../../catalog/names.ts'
import type { Decision } from '../../change.ts'
import { doubtOf } from '../../doubt.ts'
import type { Planning } from '../../input.ts'
import { commentLine } from '../../sql-text.ts'
import type { Target } from '../../target.ts'
import { clausesOf, createPolicy, type Wanted } from './policy-text.ts'
import { appliesToApp, usersPolicies } from './stance.ts'
import { isolationTest } from './tests-of-tenant.ts'

/** The addition to the user's own policies: a restrictive policy, or the reason why a person must decide. */
interface Boundary {
  readonly wanted: Wanted | undefined
  readonly decision: Decision | undefined
}

const NOTHING: Boundary = { wanted: undefined, decision: undefined }

/**
 * A restrictive policy for a table that has permissive policies of the user's own. No policy is added if these permissive policies are
 * proved already, and it is not certain that sessions set the setting that the new policy would read.
 *
 * PostgreSQL joins permissive policies by OR and restrictive policies by AND. So only a restrictive policy can be added without showing
 * more rows (PostgreSQL manual, CREATE POLICY).
 */
export function boundaryOf(planning: Planning, target: Target): Boundary {
  const { relation } = target
  const held = planning.isProved(relation)
  const policies = usersPolicies(relation).filter((policy) => policy.permissive && appliesToApp(planning, policy))
  // An earlier run may have written a permissive policy of the usual name.
  const ours = relation.policies.some(({ name, permissive }) => name === 'tenant_isolation_policy' && permissive)
  const wide = policies.map((policy) => `${policy.name} ${clausesOf(policy)}`).join('; ')
  const wanted: Wanted = {
    ...restrictive(planning, target, ours ? 'tenant_boundary_policy' : 'tenant_isolation_policy'),
    why: commentLine(
      held
        ? 'Takes nothing away. It protects the tenants if another policy of the table is widened later.'
        : `Takes away rows of other tenants, which these policies let through or may let through: ${wide}. Takes away no row of the session's own tenant.`,
    ),
  }
  const doubt = doubtOf(planning, target) ?? sharedRows(planning, target)
  if (doubt === undefined) return { wanted, decision: undefined }
  if (held || policies.length === 0) return NOTHING
  return {
    wanted: undefined,
    decision: {
      object: relation.label,
      reason: `its policies let other tenants' rows through, or may: ${wide}. ${doubt} If each session of the application sets its tenant in this setting:`,
      sql: createPolicy(relation, wanted),
    },
  }
}

/** A restrictive policy FOR ALL, for the roles that the application works as, or for PUBLIC if these are not known. */
export function restrictive(planning: Planning, target: Target, name: string): Wanted {
  const test = isolationTest(planning, target)
  return { name, permissive: false, command: 'all', roles: restrictedRoles(planning, target), using: test, check: test }
}

function restrictedRoles(planning: Planning, { relation }: Target): readonly string[] {
  if (planning.appRole === undefined) return []
  return planning.acting
    .filter((role) => role.oid !== relation.owner && !planning.exempt.has(role.oid))
    .filter((role) => planning.mayTouch(role, relation))
    .map((role) => role.name)
}

/** The reason for a decision if rows are shared by a flag or a NULL tenant. A restrictive policy would hide these rows. */
function sharedRows(planning: Planning, { relation }: Target): string | undefined {
  return planning.sharesRows(relation)
    ? `Some of its rows are shared on purpose, by a flag or without a tenant, and a policy by the tenant alone would hide them (${qualifiedName(relation)}).`
    : undefined
}
