import { type Counters, DAY_MICROS, MINUTE_MICROS, nextTokenMicros, tokensLeft, waits } from './bucket.ts'
import type { Limits } from './limits.ts'
import type { Scope, StoreReply } from './store.ts'

/** The source of a decision: the shared store, this process's share while the store is down, or the setting `closed` or `open`. */
export type LimiterMode = 'store' | 'local' | 'closed' | 'open'

/** The state of one limit after a decision. */
export interface LimitState {
  /** `burst`, `minute` or `day` for the limits of the tenant. Limits of a user or a route have a prefix: `user-minute`, `route-burst`. */
  readonly name: string
  readonly limit: number
  readonly remaining: number
  /** Seconds until more is available: the next token, the next minute, the next UTC day. */
  readonly resetSeconds: number
  readonly windowSeconds: number
}

/** The answer to one request. */
export interface RateLimitDecision {
  /** `unavailable`: the store is down and `onStoreFailure` is `closed`; answer 503, never 429. */
  readonly outcome: 'admitted' | 'limited' | 'unavailable'
  readonly mode: LimiterMode
  /** The tier whose limits applied. */
  readonly tier: string
  /** Names of the limits that refused; empty when admitted. */
  readonly violated: readonly string[]
  /** Seconds until the same request would pass all limits, as far as is known; 0 when admitted. */
  readonly retryAfterSeconds: number
  /** All limits that took part; empty in the modes `open` and `closed`. */
  readonly limits: readonly LimitState[]
}

const PREFIX = { tenant: '', user: 'user-', route: 'route-' } as const

/** How long each scope would still refuse the request, in microseconds. 0 for scopes that would admit it now. */
export function scopeWaits(reply: StoreReply, scopes: readonly Scope[], cost: number): readonly number[] {
  return scopes.map((scope, index) => {
    const { counters, limits } = standing(reply, scope, index)
    const wait = waits(counters, limits, cost, reply.now)
    return Math.max(wait.burst, wait.minute, wait.day)
  })
}

/** Makes the decision that callers see. Values that only HTTP answers need are computed on demand. */
export function decisionOf(
  reply: StoreReply,
  scopes: readonly Scope[],
  cost: number,
  tier: string,
  mode: LimiterMode,
): RateLimitDecision {
  return new CountedDecision(reply, scopes, cost, tier, mode)
}

class CountedDecision implements RateLimitDecision {
  readonly outcome: 'admitted' | 'limited'
  readonly mode: LimiterMode
  readonly tier: string
  readonly violated: readonly string[]
  readonly retryAfterSeconds: number
  readonly #reply: StoreReply
  readonly #scopes: readonly Scope[]
  #limits: readonly LimitState[] | undefined

  constructor(reply: StoreReply, scopes: readonly Scope[], cost: number, tier: string, mode: LimiterMode) {
    this.mode = mode
    this.tier = tier
    this.#reply = reply
    this.#scopes = scopes
    if (reply.admitted) {
      this.outcome = 'admitted'
      this.violated = NONE
      this.retryAfterSeconds = 0
    } else {
      this.outcome = 'limited'
      this.violated = violatedBy(reply, scopes, cost)
      this.retryAfterSeconds = Math.max(1, Math.ceil(Math.max(...scopeWaits(reply, scopes, cost)) / 1_000_000))
    }
  }

  get limits(): readonly LimitState[] {
    this.#limits ??= this.#scopes.flatMap((scope, index) => {
      const { counters, limits } = standing(this.#reply, scope, index)
      return statesOf(PREFIX[scope.kind], counters, limits, this.#reply.now)
    })
    return this.#limits
  }
}

const NONE: readonly string[] = Object.freeze([])

function violatedBy(reply: StoreReply, scopes: readonly Scope[], cost: number): readonly string[] {
  return scopes.flatMap((scope, index) => {
    const { counters, limits } = standing(reply, scope, index)
    const wait = waits(counters, limits, cost, reply.now)
    const names = (['burst', 'minute', 'day'] as const).filter((name) => wait[name] > 0)
    return names.map((name) => PREFIX[scope.kind] + name)
  })
}

function standing(reply: StoreReply, scope: Scope, index: number): { counters: Counters; limits: Limits } {
  const known = reply.scopes[index]
  if (known === undefined) throw new RangeError('The store answered for fewer scopes than it was asked for.')
  return { counters: known.counters, limits: known.override?.limits ?? scope.limits }
}

function statesOf(prefix: string, counters: Counters, limits: Limits, now: number): LimitState[] {
  const seconds = (micros: number) => Math.ceil(micros / 1_000_000)
  const states: LimitState[] = [
    {
      name: `${prefix}burst`,
      limit: limits.burst,
      remaining: tokensLeft(counters, limits, now),
      resetSeconds: seconds(nextTokenMicros(counters, limits, now)),
      // The window in which a whole burst refills: burst / window is the speed of the refill.
      windowSeconds: Math.ceil((limits.burst * 60) / limits.perMinute),
    },
    {
      name: `${prefix}minute`,
      limit: limits.perMinute,
      remaining: Math.max(0, limits.perMinute - counters.inMinute),
      resetSeconds: seconds(counters.windowStart + MINUTE_MICROS - now),
      windowSeconds: 60,
    },
  ]
  if (limits.perDay > 0) {
    states.push({
      name: `${prefix}day`,
      limit: limits.perDay,
      remaining: Math.max(0, limits.perDay - counters.inDay),
      resetSeconds: seconds((counters.day + 1) * DAY_MICROS - now),
      windowSeconds: 86_400,
    })
  }
  return states
}

/** The decision without counters: the store is down, and `onStoreFailure` is `open` or `closed`. */
export function uncounted(mode: 'open' | 'closed', tier: string): RateLimitDecision {
  return Object.freeze({
    outcome: mode === 'open' ? 'admitted' : 'unavailable',
    mode,
    tier,
    violated: NONE,
    retryAfterSeconds: mode === 'open' ? 0 : 1,
    limits: Object.freeze([]),
  })
}
