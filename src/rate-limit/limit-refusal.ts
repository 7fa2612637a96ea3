import { type PartywallError, RateLimitExceededError } from '../errors.ts'
import { type RefusalAnswer, refusalAnswer } from './answer.ts'
import type { RateLimitDecision } from './decision.ts'

/** A refusal as an error. An error handler turns it into an answer by {@link answerOfLimitError}. */
export function limitExceeded(decision: RateLimitDecision, upgradeUrl?: string): RateLimitExceededError {
  return new RateLimitExceededError('The tenant has used up one of its limits.', { details: { decision, upgradeUrl } })
}

const FAILED_TOKENS: readonly string[] = Object.freeze(['failed-tokens'])

/** The refusal of a client address that has sent too many tokens which did not verify. */
export function tooManyFailedTokens(retryAfterSeconds: number, cause: unknown): RateLimitExceededError {
  const decision: RateLimitDecision = {
    outcome: 'limited',
    mode: 'local',
    tier: '',
    violated: FAILED_TOKENS,
    retryAfterSeconds: Math.max(1, retryAfterSeconds),
    limits: [],
  }
  return new RateLimitExceededError('Too many tokens that did not verify came from this address.', {
    cause,
    details: { decision },
  })
}

/** The whole answer to an error that carries a decision, with its headers; undefined for any other. */
export function answerOfLimitError(error: PartywallError, requestId: string): RefusalAnswer | undefined {
  if (error.code === 'PARTYWALL_CONCURRENCY_EXCEEDED') return crowdedAnswer(error, requestId)
  if (error.code !== 'PARTYWALL_RATE_LIMIT_EXCEEDED') return undefined
  const { decision, upgradeUrl } = error.details
  if (!isRefusal(decision)) return undefined
  const answer = refusalAnswer(decision, {
    requestId,
    upgradeUrl: typeof upgradeUrl === 'string' ? upgradeUrl : undefined,
  })
  if (answer === undefined || decision.violated[0] !== FAILED_TOKENS[0]) return answer
  // The answer names the authentication scheme, like a 401, because the client needs another token.
  return { ...answer, headers: { ...answer.headers, 'WWW-Authenticate': 'Bearer' } }
}

/** The answer for too many concurrent requests. It has its own problem type: the client must wait for a running request to end. */
function crowdedAnswer({ code, publicMessage, details }: PartywallError, requestId: string): RefusalAnswer {
  const retryAfter = 1
  return {
    status: 429,
    headers: {
      'Retry-After': String(retryAfter),
      'Content-Type': 'application/problem+json',
      'Cache-Control': 'no-store',
    },
    body: {
      type: `urn:partywall:problem#${code}`,
      title: publicMessage,
      status: 429,
      code,
      instance: requestId,
      ...(typeof details['limit'] === 'number' ? { limit: details['limit'] } : {}),
      retryAfter,
    },
  }
}

/** Recognised by its fields and not by its class, because the error may come from another copy of the package. */
function isRefusal(value: unknown): value is RateLimitDecision {
  return (
    typeof value === 'object' &&
    value !== null &&
    Reflect.get(value, 'outcome') === 'limited' &&
    Array.isArray(Reflect.get(value, 'violated')) &&
    Array.isArray(Reflect.get(value, 'limits'))
  )
}
