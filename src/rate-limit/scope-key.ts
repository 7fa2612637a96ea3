import { createHash } from 'node:crypto'

const SAFE = /^[\w.-]{1,64}$/

/**
 * Makes any string usable as a part of a key. A short and plain string stays as it is; others become a digest, because braces would move
 * the hash tag, and colons could give two ids one key. A digest begins with `~`, which no plain string contains.
 */
function part(id: string): string {
  // Hash the UTF-16 code units: in UTF-8 all lone surrogates would become the same character.
  return SAFE.test(id) ? id : `~${createHash('sha256').update(Buffer.from(id, 'utf16le')).digest('base64url')}`
}

/** The key of a tenant's counters. All keys of one tenant carry the same hash tag, so a Redis Cluster keeps them together. */
export function tenantKey(tenantId: string): string {
  return `{${part(tenantId)}}`
}

export function userKey(tenantId: string, userId: string): string {
  return `{${part(tenantId)}}:u:${part(userId)}`
}

export function routeKey(tenantId: string, route: string): string {
  return `{${part(tenantId)}}:r:${part(route)}`
}
