import type { SecurityEvents } from '../events/security-events.ts'
import type { Logger } from '../logger/logger.ts'
import type { RateLimitDecision } from '../rate-limit/decision.ts'
import type { RateLimiterOptions } from '../rate-limit/options.ts'
import { createRateLimiter, type RateLimiter } from '../rate-limit/rate-limiter.ts'

/** Callbacks for telemetry, besides the events. `createTelemetry` of `partywall/telemetry` makes them. */
export interface WallTelemetry {
  limitDecision(decision: {
    readonly tier: string
    readonly outcome: 'allowed' | 'refused'
    readonly mode: RateLimitDecision['mode']
  }): void
  close(): void
}

/**
 * Makes telemetry from the wall's events: `(events) => createTelemetry({ events })`. It is a function, because the wall itself does not
 * load the OpenTelemetry API.
 */
export type TelemetryConfig = (events: SecurityEvents) => WallTelemetry

/** The limiter of a wall. It reports each decision to telemetry. Undefined if no limits are configured. */
export function makeLimiter(
  options: Omit<RateLimiterOptions, 'events' | 'logger'> | undefined,
  parts: { readonly telemetry: WallTelemetry | undefined; readonly events: SecurityEvents; readonly logger: Logger },
): RateLimiter | undefined {
  if (options === undefined) return undefined
  const { telemetry, ...listeners } = parts
  if (telemetry === undefined) return createRateLimiter({ ...options, ...listeners })
  const { onDecision } = options
  return createRateLimiter({
    ...options,
    ...listeners,
    onDecision(decision, request) {
      const outcome = decision.outcome === 'admitted' ? 'allowed' : 'refused'
      telemetry.limitDecision({ tier: decision.tier, outcome, mode: decision.mode })
      onDecision?.(decision, request)
    },
  })
}
