import type { Oid, Relation, Role } from '../../catalog/model.ts'
import type { Facts } from '../../tenancy/facts.ts'
import type { ExaminedGrant } from './examined.ts'

const PUBLIC: Oid = 0

/**
 * Roles that no attack acts as, and that may do something on the judged relations: they own a relation, have a privilege, are named in a
 * policy, or are a member of such a role.
 *
 * @param tried roles that any scope of the run acts as
 */
export function untriedRoles(facts: Facts, tried: ReadonlySet<Oid>): readonly Role[] {
  return withMembers(facts, facts.relations.flatMap(rolesOn), tried)
}

/** Roles that let a login read data although policies exist, or read tables without policies. */
const STRONG: ReadonlySet<string> = new Set([
  'pg_read_all_data',
  'pg_write_all_data',
  'pg_read_server_files',
  'pg_write_server_files',
  'pg_execute_server_program',
])

/**
 * Strong roles of the server, whether or not they are related to the application: superusers, roles with BYPASSRLS or REPLICATION, and
 * members of these or of PostgreSQL's own roles that read or write everything.
 *
 * @param tried roles that any scope of the run acts as
 */
export function strongRoles(facts: Facts, tried: ReadonlySet<Oid>): readonly Role[] {
  const strong = [...facts.catalog.roles.values()].filter(
    ({ name, superuser, bypassRls, replication }) => superuser || bypassRls || replication || STRONG.has(name),
  )
  const found = withMembers(
    facts,
    strong.map(({ oid }) => oid),
    tried,
  )
  return found.filter(({ name }) => !STRONG.has(name))
}

/** The roles and their members, directly or through others, by name. */
export function withMembers(
  { catalog: { roles, memberships } }: Facts,
  oids: readonly Oid[],
  without: ReadonlySet<Oid>,
): readonly Role[] {
  const found = new Set(oids)
  // A Set is iterated in the order of insertion, with what is added meanwhile.
  for (const oid of found) for (const each of memberships) if (each.role === oid) found.add(each.member)
  return [...found]
    .flatMap((oid) => (without.has(oid) ? [] : (roles.get(oid) ?? [])))
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
