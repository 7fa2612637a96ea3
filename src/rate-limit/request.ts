/** Who asks, and for how much. */
export interface RateLimitRequest {
  readonly tenantId: string
  /** An unknown tier gets the smallest limits. */
  readonly tier: string
  /** Counts also against the user, where the tier has `perUser`. */
  readonly userId?: string | undefined
  /** A name in `routes`: counts also against the tenant's share of that route. */
  readonly route?: string | undefined
  /** How many requests this one weighs; default 1. At most the tier's `burstSize`, or it could never pass. */
  readonly cost?: number | undefined
}
