import { tryGetCurrentTenant } from '../context/run-with-tenant.ts'
import { ConfigurationError, isPartywallError, TenantContextMissingError } from '../errors.ts'
import { type RefusalAnswer, rateLimitHeaders, refusalAnswer } from '../rate-limit/answer.ts'
import { answerOfLimitError } from '../rate-limit/limit-refusal.ts'
import type { RateLimiter } from '../rate-limit/rate-limiter.ts'
import type { RateLimitRequest } from '../rate-limit/request.ts'

/** How one request is counted. */
export interface LimitOptions {
  /** The number of requests that this request counts as; default 1. */
  readonly cost?: number | undefined
  /** A name in the limiter's `routes`. Undefined: no route limit. */
  readonly route?: string | undefined
  /** URL in refusals that tells clients where to upgrade. Default: the URL of the limiter. */
  readonly upgradeUrl?: string | undefined
}

/** The limiter's answer about one request. */
export interface LimitedRequest {
  /** Headers for the answer, both if the request passes and if it is refused. */
  readonly headers: Readonly<Record<string, string>>
  /** The answer to a refused request: 429, or 503 if the store is down. Undefined if the request may pass. */
  readonly refusal: RefusalAnswer | undefined
}

/**
 * Counts the current context's request against its tenant's limits.
 *
 * @param entered receives the function that ends the request's place among the requests in flight. Call it when the answer was sent to its
 *   last byte. Undefined: the request holds a place already
 * @throws {TenantContextMissingError} `PARTYWALL_CONTEXT_MISSING` outside a tenant context
 * @see RFC 6585, section 4 (429); draft-ietf-httpapi-ratelimit-headers; OWASP API4:2023 (Unrestricted Resource Consumption)
 */
export async function limitRequest(
  limiter: RateLimiter,
  options: LimitOptions,
  entered: ((leave: () => void) => void) | undefined,
): Promise<LimitedRequest> {
  const { upgradeUrl = limiter.upgradeUrl } = options
  const requestId = tryGetCurrentTenant()?.requestId
  const asked = askedFor(options)
  try {
    if (entered !== undefined) entered(limiter.enter(asked))
  } catch (error) {
    const refusal = isPartywallError(error) ? answerOfLimitError(error, requestId ?? '') : undefined
    if (refusal === undefined) throw error
    return { headers: refusal.headers, refusal }
  }
  const decision = await limiter.check(asked)
  const refusal = refusalAnswer(decision, { requestId, upgradeUrl })
  return { headers: refusal?.headers ?? rateLimitHeaders(decision), refusal }
}

function askedFor({ cost, route }: LimitOptions): RateLimitRequest {
  const context = tryGetCurrentTenant()
  if (context === undefined) {
    throw new TenantContextMissingError('TenantRateLimiter stands before the middleware that opens the tenant context.')
  }
  const { tenantId, tier, userId } = context
  return { tenantId, tier, userId, cost, route }
}

/** @throws {ConfigurationError} `PARTYWALL_CONFIGURATION` if the wall has no limiter */
export function requireLimiter(limiter: RateLimiter | undefined, caller: string): RateLimiter {
  if (limiter !== undefined) return limiter
  throw new ConfigurationError(
    `${caller}: limiter is undefined. Configure it: createPartywall({ rateLimit: { store } }).`,
  )
}
