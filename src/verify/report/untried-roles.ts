import type { Oid, Relation, Role } from '../../catalog/model.ts'
import type { Facts } from '../../tenancy/facts.ts'
import type { ExaminedGrant } from './examined.ts'

const PUBLIC: Oid = 0

/**
 * Roles that no attack acts as, and that may do something on the judged relations: they own one, hold a privilege, stand in a policy, or are a
 * member of such a role.
 *
 * @param tried roles that any scope of the run acts as
 */
export function untriedRoles(facts: Facts, tried: ReadonlySet<Oid>): readonly Role[] {
  const { roles, memberships } = facts.catalog
  const found = new Set(facts.relations.flatMap(rolesOn))
  // A Set is iterated in the order of insertion, with what is added meanwhile.
  for (const oid of found) for (const each of memberships) if (each.role === oid) found.add(each.member)
  return [...found]
    .flatMap((oid) => (tried.has(oid) ? [] : (roles.get(oid) ?? [])))
    .sort((a, b) => (a.name < b.name ? -1 : 1))
}

function rolesOn({ owner, grants, columns, policies }: Relation): readonly Oid[] {
  const granted = [...grants, ...columns.flatMap((column) => column.grants)].map(({ grantee }) => grantee)
  return [owner, ...granted, ...policies.flatMap(({ roles }) => roles)].filter((oid) => oid !== PUBLIC)
}

/** What these roles were granted themselves, or have as the owner. */
export function untriedGrants(facts: Facts, untried: readonly Role[]): readonly ExaminedGrant[] {
  const relations = facts.relations.filter(({ kind }) => kind !== 'sequence')
  return untried.flatMap((role) =>
    relations.flatMap((relation) => {
      const privileges = relation.owner === role.oid ? ['all, as the owner'] : grantedTo(relation, role)
      return privileges.length === 0 ? [] : [{ role: role.name, object: relation.label, privileges }]
    }),
  )
}

function grantedTo({ grants, columns }: Relation, { oid }: Role): readonly string[] {
  const whole = grants.filter(({ grantee }) => grantee === oid).map(({ privilege }) => privilege)
  const parts = columns.flatMap((column) =>
    column.grants.filter(({ grantee }) => grantee === oid).map(({ privilege }) => `${privilege} (${column.name})`),
  )
  return [...whole, ...parts].sort()
}
