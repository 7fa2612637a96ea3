import { z } from 'zod'

/** Limits inside a tenant: of one route, or of each user. */
export interface ScopeLimits {
  /**
   * Maximum number of requests in a minute, which begins with the first request. The bucket of `burstSize` refills by `requestsPerMinute /
   * 60` a second.
   */
  readonly requestsPerMinute: number
  /** Maximum number of requests in a UTC day. Default: no limit. */
  readonly requestsPerDay?: number | undefined
  /** Maximum number of requests that may come at once: the capacity of the bucket. Default: `requestsPerMinute`. */
  readonly burstSize?: number | undefined
}

/** Limits of a tier. A request must pass all three limits. A refused request counts against none of them. */
export interface TierLimits {
  /** Maximum number of requests in a minute, which begins with the tenant's first request. */
  readonly requestsPerMinute: number
  /** Maximum number of requests in a UTC day. */
  readonly requestsPerDay: number
  /** Maximum number of requests that may come at once: the capacity of a bucket that refills by `requestsPerMinute / 60` a second. */
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

/** Limits in the form that the algorithm uses. `perDay: 0` means no limit for the day. */
export interface Limits {
  readonly perMinute: number
  readonly perDay: number
  readonly burst: number
}

// The bucket counts time in whole microseconds. With more than 60,000,000 requests a minute, one token would take less than a microsecond.
const perMinute = z.int().min(1).max(60_000_000)
// The Redis script stores counters as unsigned 32-bit numbers (`I4`), whose largest value is 4,294,967,295.
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
