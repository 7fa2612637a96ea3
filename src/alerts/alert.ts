import { createHash } from 'node:crypto'
import type { SecurityEvent, SecurityEventType } from '../events/security-events.ts'

export type AlertSeverity = 'low' | 'medium' | 'high' | 'critical'

/** One alert as sinks get it. The same `id` may come twice: delivery is at least once. */
export interface Alert {
  readonly id: string
  readonly type: SecurityEventType
  readonly severity: AlertSeverity
  readonly tenantId: string | undefined
  readonly userId: string | undefined
  readonly requestId: string | undefined
  /** How often the event happened between `firstAt` and `lastAt`. */
  readonly count: number
  readonly firstAt: string
  readonly lastAt: string
  /** Further fields of the first event. */
  readonly details: Readonly<Record<string, unknown>>
}

/** The events that raise an alert by default, with the severity of each. */
export const ALERT_SEVERITY: Readonly<Partial<Record<SecurityEventType, AlertSeverity>>> = Object.freeze({
  CROSS_TENANT_ACCESS_ATTEMPT: 'high',
  SENSITIVE_ACTION: 'medium',
  TOKEN_ATTACK: 'high',
  CROSS_TENANT_SCOPE_OPENED: 'medium',
  AUDIT_TAMPERED: 'critical',
  AUDIT_LAGGING: 'high',
  BREAKER_OPEN: 'medium',
  LISTENER_DOWN: 'medium',
  PROTECTION_CHANGED: 'critical',
})

/** The key by which repetitions of an event are recognised. Further events with the same key belong to the same alert. */
export function dedupKey(event: SecurityEvent): string {
  // Fields that differ with each request or measurement are left out, so that they do not make another alert.
  const {
    requestId: _,
    lagSeconds: _lag,
    unsealed: _unsealed,
    fact: _fact,
    ...source
  } = { requestId: '', lagSeconds: 0, unsealed: 0, fact: '', ...event }
  const parts = Object.entries(source)
    .filter(([name, value]) => value !== undefined && name !== 'crossingId')
    .sort(([a], [b]) => (a < b ? -1 : 1))
  return createHash('sha256').update(JSON.stringify(parts)).digest('hex')
}
