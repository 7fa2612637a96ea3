import { createHash } from 'node:crypto'

/** The hash by which a notification names a tenant. Every role may LISTEN, so the id itself is never sent. */
export function tenantHash(id: string): string {
  return createHash('sha256').update(id, 'utf8').digest('hex')
}
