import { createHash } from 'node:crypto'
import type { Catalog } from './catalog.ts'
import { schemaParts } from './schema-parts.ts'

/**
 * SHA-256 of what decides about isolation in a catalog: tables, policies, functions, triggers, grants, the roles that these name, and the roles
 * that those can become. In hex.
 *
 * Object ids, numbers of rows and other roles of the server are left out, so that a restored copy of a database has the digest of the original.
 */
export function schemaDigest(catalog: Catalog): string {
  const parts = [...schemaParts(catalog, 'reached').values()]
  const lines = parts.map(({ name, text }) => JSON.stringify([name, text])).sort()
  return createHash('sha256').update(lines.join('\n')).digest('hex')
}
