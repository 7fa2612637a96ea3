import { createHash } from 'node:crypto'
import type { Catalog } from './catalog.ts'
import { type DatabasePart, databaseParts, privilegesOnDatabase, surroundingParts } from './database-parts.ts'
import type { Oid } from './model.ts'
import { partNames } from './part-names.ts'
import { objectParts, reachedBy, roleParts } from './schema-parts.ts'

/** Parts of schemas of one tenant each. These schemas are left out of the catalog. */
interface MoreParts {
  readonly texts: readonly string[]
  /** The roles that the texts name. */
  readonly roles: ReadonlySet<Oid>
}

/**
 * SHA-256 of what decides about isolation in a database, in hex:
 *
 * - its objects with their owners and grants, the privileges on the database, and default privileges;
 * - the roles that these objects name, the members of these roles, and the roles that any of them can become;
 * - stored settings and privileges on parameters that concern these roles.
 *
 * Left out are object ids, rows, large objects, values of settings that look like secrets, all other roles of the server (new superusers and
 * roles with BYPASSRLS too), and the version and the configuration of the server. A restored copy has the digest of the original.
 *
 * @param more the parts that the catalog does not contain
 */
export function schemaDigest(catalog: Catalog, more: MoreParts): string {
  return digestOf(digestParts(catalog, more.roles), more.texts)
}

/**
 * The same digest without the schema and the roles of partywall, so that an update of partywall does not change it. Undefined if the
 * database has no schema partywall: both digests would be equal.
 */
export function digestWithoutPartywall(catalog: Catalog, more: MoreParts): string | undefined {
  if (![...catalog.schemas.values()].some(({ name }) => name === 'partywall')) return undefined
  return digestOf(
    digestParts(catalog, more.roles).filter(({ object }) => !/^partywall(?:$|[._])/.test(object)),
    more.texts,
  )
}

function digestParts(catalog: Catalog, roles: ReadonlySet<Oid>): readonly DatabasePart[] {
  const names = partNames(catalog)
  const local = [...objectParts(catalog, names), ...databaseParts(catalog, names)]
  // Called to add the roles in these privileges to `names.asked`. The owner of the database is not added, because each copy may have
  // another owner.
  privilegesOnDatabase(catalog, names)
  const reached = reachedBy(withMembers(new Set([...names.asked, ...roles]), catalog), catalog)
  return [...local, ...surroundingParts(catalog, names, reached), ...roleParts(catalog, reached)]
}

/** The given roles, and their direct and indirect members. */
function withMembers(roles: ReadonlySet<Oid>, { memberships }: Catalog): ReadonlySet<Oid> {
  const found = new Set(roles)
  for (const role of found) for (const each of memberships) if (each.role === role) found.add(each.member)
  return found
}

function digestOf(parts: readonly DatabasePart[], more: readonly string[]): string {
  const lines = [...parts.map(({ name, text }) => JSON.stringify([name, text])), ...more].sort()
  return createHash('sha256').update(lines.join('\n')).digest('hex')
}
