import { createHash } from 'node:crypto'

/** How a notification names a tenant: LISTEN needs no privilege, so the id itself is never sent. */
export function tenantHash(id: string): string {
  return createHash('sha256').update(id, 'utf8').digest('hex')
}
