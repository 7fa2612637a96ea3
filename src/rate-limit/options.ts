import { z } from 'zod'
import { parseOptions } from '../config/parse-options.ts'
import type { SecurityEvents } from '../events/security-events.ts'
import type { Logger } from '../logger/logger.ts'
import type { RateLimitDecision } from './decision.ts'
import type { Concurrency } from './in-flight.ts'
import { DEFAULT_TIERS, type ScopeLimits, scopeLimitsSchema, type TierLimits, tierLimitsSchema } from './limits.ts'
import type { RateLimitRequest } from './request.ts'
import type { RateLimitStore } from './store.ts'

export interface RateLimiterOptions {
  /** `createRedisStore(client)`, or `createMemoryStore()` for one process. Closed with the limiter. */
  readonly store: RateLimitStore
  /** Limits by tier, in place of `free`, `pro` and `enterprise`. An unknown tier gets the smallest of them. */
  readonly tiers?: Readonly<Record<string, TierLimits>>
  /**
   * How many requests of one tenant may be in flight at once in each process: one number for all tiers, or an object with a number per
   * tier. A configured tier that the object leaves out has no such limit. A tenant of an unknown tier gets the smallest number. Without
   * this option there is no limit. A streaming answer counts until it ends.
   */
  readonly concurrency?: Concurrency | undefined
  /** Limits of single routes, for each tenant, under names that you choose. */
  readonly routes?: Readonly<Record<string, ScopeLimits>>
  /**
   * What happens while the store is down. `local` (default): each process enforces its share of the limits; `closed`: all requests are
   * refused with 503; `open`: all requests pass. Each change of mode is logged and emitted.
   */
  readonly onStoreFailure?: 'local' | 'closed' | 'open'
  /** How many processes share the limits while the store is down. Default 1: each process then admits the full limits. */
  readonly instances?: number
  /** How long a process may remember a refusal; at most 1000, 0 switches it off. Default 1000. */
  readonly denyCacheMs?: number
  /** Time limit in milliseconds for one call of the store. A call that takes longer counts as failed. Default 100. */
  readonly storeTimeoutMs?: number
  /** Number of failures in a row after which the store is no longer called. Default 5. */
  readonly breakerFailures?: number
  /** Milliseconds until one request tries the store again. Default 1000. */
  readonly probeAfterMs?: number
  /** URL in refusals that tells clients where to upgrade. */
  readonly upgradeUrl?: string
  /** Finds the tier of a tenant for `usage()`, if the caller does not pass it. */
  readonly tierOf?: (tenantId: string) => string | undefined | Promise<string | undefined>
  readonly events?: SecurityEvents
  readonly logger?: Logger
  /** Called with each decision, also with refusals from the process's memory; for metrics. Must not throw. */
  readonly onDecision?: (decision: RateLimitDecision, request: RateLimitRequest) => void
}

const inFlight = z.int().min(1).max(1_000_000)

const settingsSchema = z.object({
  tiers: z
    .record(z.string(), tierLimitsSchema)
    .refine((tiers) => Object.keys(tiers).length > 0, 'must hold one tier at least')
    .default(DEFAULT_TIERS),
  routes: z.record(z.string(), scopeLimitsSchema).default({}),
  concurrency: z
    .union([inFlight, z.record(z.string(), inFlight).refine((tiers) => Object.keys(tiers).length > 0)], {
      error: 'must be a whole number from 1, or an object that gives such a number for one tier or more',
    })
    .optional(),
  onStoreFailure: z.enum(['local', 'closed', 'open']).default('local'),
  instances: z.int().min(1).max(10_000).default(1),
  denyCacheMs: z.int().min(0).max(1000).default(1000),
  storeTimeoutMs: z.int().min(1).max(60_000).default(100),
  breakerFailures: z.int().min(1).max(1000).default(5),
  probeAfterMs: z.int().min(10).max(60_000).default(1000),
  upgradeUrl: z.url().optional(),
})

const left = z.unknown().optional()

/** Schema of all options, so that misspelt options and a missing store are reported together with other problems. */
const optionsSchema = settingsSchema
  .extend({
    store: z.custom<RateLimitStore>(
      (store) => typeof store === 'object' && store !== null && 'decide' in store && typeof store.decide === 'function',
      'must be createRedisStore(client) or createMemoryStore()',
    ),
    tierOf: left,
    events: left,
    logger: left,
    onDecision: left,
  })
  .strict()
  .refine(
    ({ concurrency, tiers }) =>
      typeof concurrency !== 'object' || Object.keys(concurrency).every((tier) => tier in tiers),
    {
      path: ['concurrency'],
      error: 'must name tiers of this limiter only',
    },
  )

export type RateLimiterSettings = z.output<typeof settingsSchema>

export function readRateLimiterOptions(options: RateLimiterOptions): {
  readonly store: RateLimitStore
  readonly settings: RateLimiterSettings
} {
  return { store: options.store, settings: parseOptions(optionsSchema, options, 'createRateLimiter(options)') }
}

const reason = z.string().trim().min(1).max(500)
const reasonSchema = z.object({ reason })
const overrideSchema = z.object({ reason, expiresInSeconds: z.int().min(1).max(315_360_000).optional() })

export function readReason(options: unknown, name: string): string {
  return parseOptions(reasonSchema, options, name).reason
}

export function readOverrideOptions(options: unknown): z.output<typeof overrideSchema> {
  return parseOptions(overrideSchema, options, 'override(tenantId, limits, options)')
}
