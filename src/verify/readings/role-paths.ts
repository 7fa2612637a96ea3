import type { Oid, Role } from '../../catalog/model.ts'
import type { RolePath } from '../../catalog/role-graph.ts'
import { VERBS, type Verb } from '../../catalog/verbs.ts'
import { otherLoginSql } from '../../tenancy/app-role-sql.ts'
import type { Facts } from '../../tenancy/facts.ts'
import { privilegeOf } from '../../tenancy/reach.ts'

/** The app's role and every role that it can become, with the way there. */
export function rolesInReach(facts: Facts): readonly RolePath[] {
  const app = facts.tenancy.appRole
  return [{ role: app, path: [app.name], needsGrant: false }, ...facts.becomable]
}

/** Roles through which the target is reached: those in reach that were granted it directly. */
export function directMembers(facts: Facts, target: Role): readonly Role[] {
  const inReach = new Map(rolesInReach(facts).map(({ role }) => [role.oid, role]))
  return facts.catalog.memberships.flatMap((membership) => {
    const member = inReach.get(membership.member)
    return membership.role === target.oid && member !== undefined ? [member] : []
  })
}

/** `app → mid → owner`, and where a GRANT to oneself is needed on the way, that too. */
export function showPath(path: RolePath): string {
  return `${path.path.join(' → ')}${path.needsGrant ? ' (by ADMIN OPTION: it grants itself the membership)' : ''}`
}

/** Labels of the tenant-bound tables on which the role has a privilege, and the verbs: what it crosses when no policy holds it. */
export function crossedBy(
  facts: Facts,
  role: Role,
): { readonly tables: readonly string[]; readonly verbs: readonly Verb[] } {
  const verbs = new Set<Verb>()
  const tables: string[] = []
  for (const { relation } of facts.tenancy.tables.values()) {
    const possible = VERBS.filter((verb) => facts.privileges.onRelation(role.oid, relation, privilegeOf(verb)))
    for (const verb of possible) verbs.add(verb)
    if (possible.length > 0) tables.push(relation.label)
  }
  return { tables, verbs: VERBS.filter((verb) => verbs.has(verb)) }
}

/** Tenant-bound tables that the role owns. */
export function ownedTables(facts: Facts, role: Oid): readonly string[] {
  return [...facts.tenancy.tables.values()]
    .filter(({ relation }) => relation.owner === role)
    .map(({ relation }) => relation.label)
}

/** `a`, `a and b`, `a, b and 3 more`. */
export function someOf(names: readonly string[], limit = 5): string {
  if (names.length > limit) return `${names.slice(0, limit).join(', ')} and ${names.length - limit} more`
  return names.length < 2 ? names.join('') : `${names.slice(0, -1).join(', ')} and ${names.at(-1)}`
}

/** The statements that make a login for the application, as comments. */
export function otherLogin(facts: Facts): string {
  const schemas = [...new Set([...facts.tenancy.tables.values()].map(({ relation }) => relation.schema))]
  return otherLoginSql(new Set([...facts.catalog.roles.values()].map((role) => role.name)), schemas)
}
