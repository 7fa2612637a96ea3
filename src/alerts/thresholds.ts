import type { SecurityEvent, SecurityEventType } from '../events/security-events.ts'

/** A count of events that reached an alert threshold. */
export interface ThresholdReached {
  readonly name: string
  readonly by: AlertThreshold['by']
  /** The tenant, user or address. */
  readonly subject: string
  readonly tenantId: string | undefined
  readonly userId: string | undefined
  readonly count: number
}

/**
 * Calls your function when one user, tenant or address caused `count` events in a time window. Each process counts separately. partywall
 * itself never suspends a user.
 */
export interface AlertThreshold {
  readonly name: string
  readonly types: readonly SecurityEventType[]
  readonly by: 'tenant' | 'user' | 'address'
  readonly count: number
  readonly windowMs: number
  /** Called once per subject and window. Its errors are logged. */
  readonly run: (reached: ThresholdReached) => unknown
}

/**
 * Maximum number of subjects that are counted at once, because an attacker can use any number of addresses. The oldest are forgotten first.
 */
const MAX_SUBJECTS = 10_000

/** Counts one threshold's events per subject. */
export class ThresholdCounter {
  readonly #threshold: AlertThreshold
  readonly #onError: (error: unknown) => void
  readonly #counts = new Map<string, { count: number; readonly until: number }>()

  constructor(threshold: AlertThreshold, onError: (error: unknown) => void) {
    this.#threshold = threshold
    this.#onError = onError
  }

  hear(event: SecurityEvent, now: number): void {
    const { types, by, count: wanted, windowMs, name } = this.#threshold
    if (!types.includes(event.type)) return
    const tenantId = 'tenantId' in event ? event.tenantId : undefined
    const userId = 'userId' in event ? event.userId : undefined
    const address = 'clientAddress' in event ? event.clientAddress : undefined
    const subject = by === 'tenant' ? tenantId : by === 'address' ? address : userId
    if (subject === undefined) return
    const key = by === 'user' ? `${tenantId ?? ''}\n${subject}` : subject
    let entry = this.#counts.get(key)
    if (entry === undefined || entry.until <= now) {
      this.#counts.delete(key)
      entry = { count: 0, until: now + windowMs }
      this.#counts.set(key, entry)
      const oldest = this.#counts.size > MAX_SUBJECTS ? this.#counts.keys().next().value : undefined
      if (oldest !== undefined) this.#counts.delete(oldest)
    }
    entry.count++
    if (entry.count !== wanted) return
    const reached = { name, by, subject, tenantId, userId, count: entry.count }
    // Not awaited, so that a function that hangs does not block the others.
    Promise.resolve()
      .then(() => this.#threshold.run(reached))
      .catch(this.#onError)
  }
}
