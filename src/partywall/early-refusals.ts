import { isPartywallError } from '../errors.ts'
import { createFailedTokenLimiter, type FailedTokenLimiterOptions } from '../rate-limit/failed-token-limiter.ts'
import { limitExceeded, tooManyFailedTokens } from '../rate-limit/limit-refusal.ts'
import type { RateLimiter } from '../rate-limit/rate-limiter.ts'
import type { EarlyRefusals } from '../tenants/admission.ts'

/**
 * Makes the refusals with which admission ends early:
 *
 * - requests of a tenant that has too many requests in progress (`crowded`), or that is known to be over its limit (`blocked`);
 * - invalid tokens, once too many of them came from one address. An invalid token then gets 429 instead of 401.
 *
 * @throws {ConfigurationError} `PARTYWALL_CONFIGURATION`
 */
export function makeEarlyRefusals(
  failedTokens: FailedTokenLimiterOptions | false | undefined,
  limiter: RateLimiter | undefined,
): EarlyRefusals {
  const failures = failedTokens === false ? undefined : createFailedTokenLimiter(failedTokens)
  return {
    blocked(asking) {
      const crowded = limiter?.crowded(asking)
      if (crowded !== undefined) return crowded
      const decision = limiter?.blocked(asking)
      return decision === undefined ? undefined : limitExceeded(decision, limiter?.upgradeUrl)
    },
    failedToken(error, address) {
      if (failures === undefined || address === undefined || !isFailedToken(error)) return error
      const { limited, retryAfterSeconds } = failures.recordFailure(address)
      return limited ? tooManyFailedTokens(retryAfterSeconds, error) : error
    },
  }
}

/** Whether an error counts as a failed token. A missing token does not, and an outage of the keys says nothing about the token. */
function isFailedToken(error: unknown): boolean {
  return isPartywallError(error) && error.code === 'PARTYWALL_AUTHENTICATION' && error.details['reason'] !== 'missing'
}
