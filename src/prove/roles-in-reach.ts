import type { ActingRole, Facts } from '../tenancy/facts.ts'

const known = new WeakMap<Facts, readonly ActingRole[]>()

/** Every role that an attacker inside the application can act as. Roles that the login role can grant to itself are included. */
export function rolesInReach(facts: Facts): readonly ActingRole[] {
  const before = known.get(facts)
  if (before !== undefined) return before
  const acting = new Set(facts.acting.map(({ role }) => role.oid))
  const granted = facts.becomable
    .filter(({ role, needsGrant }) => needsGrant && !acting.has(role.oid))
    .map(({ role, path }) => ({
      role,
      path,
      rights: facts.graph.rightsOf(role.oid),
      bypasses: role.superuser || role.bypassRls,
    }))
  const roles = [...facts.acting, ...granted]
  known.set(facts, roles)
  return roles
}
