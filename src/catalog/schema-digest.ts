import { createHash } from 'node:crypto'
import type { Catalog } from './catalog.ts'
import { type SchemaPart, schemaParts } from './schema-parts.ts'

/**
 * SHA-256 of what decides about isolation in a catalog: tables, policies, functions, triggers, grants, the roles that these name, and the roles
 * that those can become. In hex.
 *
 * Object ids, numbers of rows and other roles of the server are left out, so that a restored copy of a database has the digest of the original.
 *
 * @param more parts that the catalog does not hold: those of schemas of one tenant each
 */
export function schemaDigest(catalog: Catalog, more: readonly string[] = []): string {
  return digestOf([...schemaParts(catalog, 'reached').values()], more)
}

/**
 * The same without the schema and the roles of partywall: it stays what it was when partywall is updated. Undefined if the database has no schema
 * partywall, so that both digests would be the same.
 */
export function digestWithoutPartywall(catalog: Catalog, more: readonly string[] = []): string | undefined {
  if (![...catalog.schemas.values()].some(({ name }) => name === 'partywall')) return undefined
  const parts = [...schemaParts(catalog, 'reached').values()]
  return digestOf(
    parts.filter(({ object }) => !/^partywall(?:$|[._])/.test(object)),
    more,
  )
}

function digestOf(parts: readonly SchemaPart[], more: readonly string[]): string {
  const lines = [...parts.map(({ name, text }) => JSON.stringify([name, text])), ...more].sort()
  return createHash('sha256').update(lines.join('\n')).digest('hex')
}
