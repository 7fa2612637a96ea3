import type { Policy, Relation, Role } from '../../../catalog/model.ts'
import { qualifiedName, quoteIdentifier } from '../../../catalog/names.ts'
import { SEALED_FOR_DELETING, SEALED_FOR_WRITING } from '../../../seal/policy-text.ts'
import type { Change, Decision } from '../../change.ts'
import type { Planning } from '../../input.ts'
import { commentLine } from '../../sql-text.ts'
import type { Target } from '../../target.ts'
import type { Wanted } from './policy-text.ts'
import { appliesToApp, type Stance, usersPolicies } from './stance.ts'
import { sealTest } from './tests-of-tenant.ts'

const TENANT_ROLES = ['tenant_user', 'tenant_admin']
/** Predefined roles whose members have privileges on every table without a grant. */
const ALL_DATA = ['pg_read_all_data', 'pg_write_all_data']

/** The policies that bind a table to the sealed context. All but the last are restrictive, so they show no additional rows. */
export function sealPolicies(planning: Planning, target: Target, stance: Stance): readonly Wanted[] {
  const roles = sealedRoles(planning, target.relation)
  const test = sealTest(target)
  const seal = { permissive: false, roles }
  const policies: Wanted[] = [
    { name: 'tenant_seal_policy', ...seal, command: 'all', using: test, check: test },
    { name: 'tenant_write_policy', ...seal, command: 'all', using: '', check: SEALED_FOR_WRITING },
  ]
  // The table of tenants needs no policy for DELETE, because its usual grants contain only SELECT.
  if (target.kind !== 'root')
    policies.push({
      name: 'tenant_level_policy',
      ...seal,
      command: 'delete',
      using: SEALED_FOR_DELETING,
      check: undefined,
      why: commentLine('Takes away: DELETE from sessions of the level tenant_user. Those of tenant_admin keep it.'),
    })
  if (stance !== 'closed')
    policies.push({
      name: 'tenant_cross_policy',
      permissive: true,
      command: 'select',
      roles: ['partywall_cross'],
      using: 'true',
      check: undefined,
      why: commentLine(
        'Only for runAcrossTenants(): partywall_cross is a role that no login of the application may become.',
      ),
    })
  return policies
}

/**
 * Extends the user's own policies for the application's role to tenant_user and tenant_admin, because with a seal the application works as
 * these two roles.
 */
export function extendToTenantRoles(planning: Planning, { relation }: Target): readonly Change[] {
  return usersPolicies(relation).flatMap((policy): readonly Change[] => {
    if (policy.roles.includes(0) || !appliesToApp(planning, policy)) return []
    const names = policy.roles.map(planning.roleName)
    const lacking = TENANT_ROLES.filter((role) => !names.includes(role))
    if (lacking.length === 0) return []
    const alter = (roles: readonly string[]) =>
      `ALTER POLICY ${quoteIdentifier(policy.name)} ON ${qualifiedName(relation)} TO ${roles.map(quoteIdentifier).join(', ')};`
    return [{ phase: 'protect', object: relation.label, up: [alter([...names, ...lacking])], down: [alter(names)] }]
  })
}

/** Decisions about policies that test the role's name. With a seal, current_user is tenant_user or tenant_admin, so such a test fails. */
export function asksForRole({ relation }: Target): readonly Decision[] {
  const asking = usersPolicies(relation).filter((policy) => readsRole(policy))
  return asking.map((policy) => ({
    object: relation.label,
    reason: `policy ${policy.name} uses current_user, which is tenant_user or tenant_admin in a sealed application. Use something else in it, or name these roles.`,
  }))
}

function readsRole({ using, check }: Policy): boolean {
  return /\bcurrent_user\b|\bcurrent_role\b|\bpg_has_role\b/i.test(`${using ?? ''} ${check ?? ''}`)
}

/**
 * The roles to which the seal policies apply: tenant_user, tenant_admin, and each other role in reach (docs/glossary.md) that keeps
 * privileges on the table, directly or by inheritance.
 */
function sealedRoles(planning: Planning, relation: Relation): readonly string[] {
  const { appRole, catalog } = planning
  const keepsRights = (role: Role) =>
    [...planning.rightsOf(role.oid)].some((oid) => {
      const name = catalog.roles.get(oid)?.name ?? ''
      // protect moves the grants of the application's role to the tenant roles.
      if (oid === appRole?.oid || TENANT_ROLES.includes(name)) return false
      return ALL_DATA.includes(name) || relation.grants.some((grant) => grant.grantee === oid)
    })
  const others = planning.acting.filter((role) => !TENANT_ROLES.includes(role.name) && keepsRights(role))
  return [...TENANT_ROLES, ...others.map((role) => role.name)]
}
