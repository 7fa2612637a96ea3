/** One request to be counted. */
export interface RateLimitRequest {
  readonly tenantId: string
  /** An unknown tier gets the smallest limits. */
  readonly tier: string
  /** Also counts against this user, if the tier has `perUser`. */
  readonly userId?: string | undefined
  /** A name in `routes`: also counts against the tenant's limit for that route. */
  readonly route?: string | undefined
  /**
   * The number of requests that this request counts as; default 1. At most the tier's `burstSize`, because a larger cost could never pass.
   */
  readonly cost?: number | undefined
}
