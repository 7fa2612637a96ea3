import { z } from 'zod'

/** Limits inside a tenant: of one route, or of each user. */
export interface ScopeLimits {
  /** At most this many in a minute, which begins with the first request. It is also the speed at which the bucket refills. */
  readonly requestsPerMinute: number
  /** At most this many in a UTC day; without it the day has no limit. */
  readonly requestsPerDay?: number | undefined
  /** At most this many at once; default: `requestsPerMinute`. */
  readonly burstSize?: number | undefined
}

/** Limits of a tier: a request must pass all three, and a refused one is counted against none. */
export interface TierLimits {
  /** At most this many in a minute, which begins with the tenant's first request. */
  readonly requestsPerMinute: number
  /** At most this many in a UTC day. */
  readonly requestsPerDay: number
  /** Number of requests that may come at once: the capacity of a bucket that refills by `requestsPerMinute / 60` a second. */
  readonly burstSize: number
  /** Limits of each single user inside the tenant. */
  readonly perUser?: ScopeLimits | undefined
}

/** The limits if no `tiers` are configured. */
export const DEFAULT_TIERS: Readonly<Record<'free' | 'pro' | 'enterprise', TierLimits>> = Object.freeze({
  free: Object.freeze({ requestsPerMinute: 60, requestsPerDay: 1000, burstSize: 10 }),
  pro: Object.freeze({ requestsPerMinute: 300, requestsPerDay: 10_000, burstSize: 50 }),
  enterprise: Object.freeze({ requestsPerMinute: 1000, requestsPerDay: 100_000, burstSize: 200 }),
})

/** Limits as the algorithm takes them. `perDay` 0: no limit of the day. */
export interface Limits {
  readonly perMinute: number
  readonly perDay: number
  readonly burst: number
}

// The script keeps counters as unsigned 32-bit numbers, and a token must last a microsecond at least.
const perMinute = z.int().min(1).max(60_000_000)
const perDay = z.int().min(1).max(4_000_000_000)
const ordered = 'must hold burstSize <= requestsPerMinute <= requestsPerDay'

export const scopeLimitsSchema = z
  .strictObject({ requestsPerMinute: perMinute, requestsPerDay: perDay.optional(), burstSize: perMinute.optional() })
  .refine((limits) => isOrdered(limits), ordered)

export const plainTierLimitsSchema = z
  .strictObject({ requestsPerMinute: perMinute, requestsPerDay: perDay, burstSize: perMinute })
  .refine((limits) => isOrdered(limits), ordered)

export const tierLimitsSchema = z
  .strictObject({
    requestsPerMinute: perMinute,
    requestsPerDay: perDay,
    burstSize: perMinute,
    perUser: scopeLimitsSchema.optional(),
  })
  .refine((limits) => isOrdered(limits), ordered)

function isOrdered(limits: ScopeLimits): boolean {
  const { requestsPerMinute, requestsPerDay = requestsPerMinute, burstSize = requestsPerMinute } = limits
  return burstSize <= requestsPerMinute && requestsPerMinute <= requestsPerDay
}

export function toLimits(limits: ScopeLimits): Limits {
  return Object.freeze({
    perMinute: limits.requestsPerMinute,
    perDay: limits.requestsPerDay ?? 0,
    burst: limits.burstSize ?? limits.requestsPerMinute,
  })
}

/** One process's share of limits that `instances` processes enforce together. Rounded up, so that no share is 0. */
export function shareOf(limits: Limits, instances: number): Limits {
  return Object.freeze({
    perMinute: Math.ceil(limits.perMinute / instances),
    perDay: Math.ceil(limits.perDay / instances),
    burst: Math.ceil(limits.burst / instances),
  })
}

/** The smallest tier: the fewest requests per day, then per minute, then at once. */
export function smallestTier(tiers: ReadonlyMap<string, TierLimits>): TierLimits | undefined {
  return [...tiers.values()].sort(
    (a, b) =>
      a.requestsPerDay - b.requestsPerDay || a.requestsPerMinute - b.requestsPerMinute || a.burstSize - b.burstSize,
  )[0]
}
