import type { Oid, Role } from '../../catalog/model.ts'
import type { RolePath } from '../../catalog/role-graph.ts'
import { VERBS, type Verb } from '../../catalog/verbs.ts'
import { otherLoginSql } from '../../tenancy/app-role-sql.ts'
import type { Facts } from '../../tenancy/facts.ts'
import { privilegeOf } from '../../tenancy/reach.ts'

/** The application's role and every role that it can become, each with the chain of roles that leads to it. */
export function rolesInReach(facts: Facts): readonly RolePath[] {
  const app = facts.tenancy.appRole
  return [{ role: app, path: [app.name], needsGrant: false }, ...facts.becomable]
}

/** Roles of the application that are direct members of the target role. */
export function directMembers(facts: Facts, target: Role): readonly Role[] {
  const inReach = new Map(rolesInReach(facts).map(({ role }) => [role.oid, role]))
  return facts.catalog.memberships.flatMap((membership) => {
    const member = inReach.get(membership.member)
    return membership.role === target.oid && member !== undefined ? [member] : []
  })
}

/** Text such as `app → mid → owner`. The text also says if a role must first grant itself a membership. */
export function showPath(path: RolePath): string {
  return `${path.path.join(' → ')}${path.needsGrant ? ' (by ADMIN OPTION: it grants itself the membership)' : ''}`
}

/** The tenant tables on which the role has a privilege, with the verbs. A role that bypasses policies reaches all tenants' rows there. */
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

/** SQL comments with the statements that create a login for the application. */
export function otherLogin(facts: Facts): string {
  const schemas = [...new Set([...facts.tenancy.tables.values()].map(({ relation }) => relation.schema))]
  return otherLoginSql(new Set([...facts.catalog.roles.values()].map((role) => role.name)), schemas)
}
