import { runWithTenant } from '../../src/context/run-with-tenant.ts'
import { createSecurityEvents, type SecurityEvent, type SecurityEvents } from '../../src/events/security-events.ts'

/** Two tenants of the tests. */
export const ownTenant = '3f2b8c1e-5d4a-4c6b-9e7f-1a2b3c4d5e6f'
export const otherTenant = '9a8b7c6d-1e2f-4a3b-8c4d-5e6f7a8b9c0d'

export function asOwnTenant<T>(fn: () => T): T {
  return runWithTenant({ tenantId: ownTenant, userId: 'user-1' }, fn)
}

/** An emitter whose events can be read. */
export function collectEvents(): { readonly events: SecurityEvents; readonly seen: SecurityEvent[] } {
  const events = createSecurityEvents()
  const seen: SecurityEvent[] = []
  events.on('*', (event) => seen.push(event))
  return { events, seen }
}

/** The code of what `fn` throws; undefined where it throws nothing. */
export function codeOf(fn: () => unknown): unknown {
  try {
    fn()
    return undefined
  } catch (error) {
    return error instanceof Error && 'code' in error ? error.code : error
  }
}
