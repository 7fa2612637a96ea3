import { createHash } from 'node:crypto'
import { canonicalJson } from '../config/canonical-json.ts'
import type { Catalog } from './catalog.ts'
import type { Grant, Oid } from './model.ts'

/**
 * SHA-256 of what decides about isolation in a catalog: tables, policies, functions, triggers, grants, the roles that these name, and the roles
 * that those can become. In hex.
 *
 * Object ids, numbers of rows and other roles of the server are left out, so that a restored copy of a database has the digest of the original.
 */
export function schemaDigest(catalog: Catalog): string {
  const named = new Set<Oid>()
  const nameOf = (oid: Oid) => {
    named.add(oid)
    return oid === 0 ? 'PUBLIC' : (catalog.roles.get(oid)?.name ?? 'an unknown role')
  }
  const grantsOf = (grants: readonly Grant[]) =>
    grants.map(({ grantee, privilege, grantable }) => `${nameOf(grantee)} ${privilege} ${grantable}`).sort()
  const byLabel = <T>(entries: readonly (readonly [string, T])[]) => [...entries].sort(([a], [b]) => (a < b ? -1 : 1))
  const relations = [...catalog.relations.values()].map(
    (relation) =>
      [
        relation.label,
        {
          kind: relation.kind,
          owner: nameOf(relation.owner),
          rowSecurity: [relation.rowSecurity, relation.forceRowSecurity],
          options: [...relation.options].sort(),
          columns: relation.columns.map((column) => [
            column.name,
            column.type,
            column.notNull,
            column.default,
            grantsOf(column.grants),
          ]),
          grants: grantsOf(relation.grants),
          policies: relation.policies
            .map(({ name, permissive, command, roles, using, check }) =>
              canonicalJson([name, permissive, command, roles.map(nameOf).sort(), using, check]),
            )
            .sort(),
          constraints: relation.constraints.map(({ name, definition }) => `${name} ${definition}`).sort(),
          triggers: relation.triggers.map(({ enabled, definition }) => `${enabled} ${definition}`).sort(),
          indexes: relation.indexes.map(({ definition }) => definition).sort(),
          view: relation.viewDefinition,
        },
      ] as const,
  )
  const functions = [...catalog.functions.values()].map(
    ({ label, owner, securityDefiner, definition, source, config, grants }) =>
      [label, [nameOf(owner), securityDefiner, definition ?? source, [...config].sort(), grantsOf(grants)]] as const,
  )
  const schemas = [...catalog.schemas.values()].map(
    ({ name, owner, grants }) => [name, [nameOf(owner), grantsOf(grants)]] as const,
  )
  const reached = reachedBy(named, catalog)
  const roles = [...catalog.roles.values()]
    .filter(({ oid }) => reached.has(oid))
    .map(({ oid: _oid, ...role }) => [role.name, role] as const)
  const memberships = catalog.memberships
    .filter(({ member }) => reached.has(member))
    .map((each) => canonicalJson([nameOf(each.role), nameOf(each.member), each.admin, each.inherit, each.set]))
  const text = canonicalJson({
    relations: byLabel(relations),
    functions: byLabel(functions),
    roles: byLabel(roles),
    memberships: memberships.sort(),
    schemas: byLabel(schemas),
  })
  return createHash('sha256').update(text).digest('hex')
}

/** The roles themselves, and those that they are members of, directly or through others. */
function reachedBy(roles: ReadonlySet<Oid>, { memberships }: Catalog): ReadonlySet<Oid> {
  const reached = new Set(roles)
  // A Set is iterated in the order of insertion, with what is added meanwhile.
  for (const member of reached) for (const each of memberships) if (each.member === member) reached.add(each.role)
  return reached
}
