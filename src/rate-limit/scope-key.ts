import { createHash } from 'node:crypto'

const SAFE = /^[\w.-]{1,64}$/

/**
 * Any string as a part of a key: as it is where it is short and plain, else as a digest. Braces would move the hash tag,
 * colons would let one id reach into another's keys. `~` is in no plain id, so the two forms never meet.
 */
function part(id: string): string {
  // UTF-16: UTF-8 would make all lone surrogates one.
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
