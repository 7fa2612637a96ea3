import type { Catalog } from './catalog.ts'
import type { Membership, Oid, Role } from './model.ts'

/** The path by which one role becomes another role, or has the rights of the other role. */
export interface RolePath {
  readonly role: Role
  /** Names from the first role to `role`, both included. */
  readonly path: readonly string[]
  /** True if one step has only ADMIN OPTION, so that the role must first grant itself the membership. */
  readonly needsGrant: boolean
}

/** Says which role can become which other role through any number of memberships, by the rules of PostgreSQL 15 to 18. */
export interface RoleGraph {
  /** The role itself, and the roles whose rights it has without SET ROLE. Policies TO these roles apply to it. */
  rightsOf(role: Oid): ReadonlySet<Oid>
  /** Roles that SET ROLE accepts, without `role` itself. */
  settable(role: Oid): readonly RolePath[]
  /** Roles that SET ROLE accepts, roles that `role` can grant itself by ADMIN OPTION, and roles whose rights `role` inherits. */
  becomable(role: Oid): readonly RolePath[]
}

export function roleGraph(catalog: Pick<Catalog, 'roles' | 'memberships' | 'database'>): RoleGraph {
  const byMember = new Map<Oid, Membership[]>()
  for (const membership of catalog.memberships) {
    const list = byMember.get(membership.member) ?? []
    list.push(membership)
    byMember.set(membership.member, list)
  }
  // pg_database_owner has one member that pg_auth_members does not list: the owner of this database.
  const databaseOwner = [...catalog.roles.values()].find((role) => role.name === 'pg_database_owner')
  if (databaseOwner !== undefined) {
    const list = byMember.get(catalog.database.owner) ?? []
    list.push({ role: databaseOwner.oid, member: catalog.database.owner, admin: false, inherit: true, set: false })
    byMember.set(catalog.database.owner, list)
  }

  function walk(start: Oid, follow: (membership: Membership) => boolean): readonly RolePath[] {
    const first = catalog.roles.get(start)
    if (first === undefined) return []
    const found = new Map<Oid, RolePath>()
    let edge: RolePath[] = [{ role: first, path: [first.name], needsGrant: false }]
    while (edge.length > 0) {
      const next: RolePath[] = []
      for (const from of edge) {
        for (const membership of byMember.get(from.role.oid) ?? []) {
          const role = catalog.roles.get(membership.role)
          if (role === undefined || role.oid === start || found.has(role.oid) || !follow(membership)) continue
          const needsGrant = from.needsGrant || !(membership.set || membership.inherit)
          const reached = { role, path: [...from.path, role.name], needsGrant }
          found.set(role.oid, reached)
          next.push(reached)
        }
      }
      edge = next
    }
    return [...found.values()].sort((a, b) => a.role.name.localeCompare(b.role.name))
  }

  const rights = new Map<Oid, ReadonlySet<Oid>>()
  return {
    rightsOf(role) {
      const known = rights.get(role)
      if (known !== undefined) return known
      const set = new Set([role, ...walk(role, (membership) => membership.inherit).map((path) => path.role.oid)])
      rights.set(role, set)
      return set
    },
    settable: (role) => walk(role, (membership) => membership.set),
    becomable: (role) => walk(role, (membership) => membership.set || membership.inherit || membership.admin),
  }
}
