import { createHash } from 'node:crypto'
import type { Catalog } from './catalog.ts'
import type { Oid } from './model.ts'
import { schemaParts } from './schema-parts.ts'

/**
 * SHA-256 of what decides about isolation in a catalog: tables, policies, functions, triggers, grants, the roles that these name, and the roles
 * that those can become. In hex.
 *
 * Object ids, numbers of rows and other roles of the server are left out, so that a restored copy of a database has the digest of the original.
 */
export function schemaDigest(catalog: Catalog): string {
  const { parts, rolesNamed } = schemaParts(catalog)
  const reached = reachedBy(rolesNamed, catalog)
  const others = new Set([...catalog.roles.values()].filter(({ oid }) => !reached.has(oid)).map(({ name }) => name))
  const counted = [...parts.values()].filter(({ kind, object }) => kind !== 'role' || !others.has(object))
  const lines = counted.map(({ name, text }) => JSON.stringify([name, text])).sort()
  return createHash('sha256').update(lines.join('\n')).digest('hex')
}

/** The roles themselves, and those that they are members of, directly or through others. */
function reachedBy(roles: ReadonlySet<Oid>, { memberships }: Catalog): ReadonlySet<Oid> {
  const reached = new Set(roles)
  // A Set is iterated in the order of insertion, with what is added meanwhile.
  for (const member of reached) for (const each of memberships) if (each.member === member) reached.add(each.role)
  return reached
}
