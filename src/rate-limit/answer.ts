import type { LimitState, RateLimitDecision } from './decision.ts'

/** A refusal as HTTP: the status, the headers and the problem details. */
export interface RefusalAnswer {
  readonly status: 429 | 503
  readonly headers: Readonly<Record<string, string>>
  readonly body: Readonly<Record<string, unknown>>
}

const TITLE = { burst: 'Burst', minute: 'Minute', day: 'Day' } as const

/**
 * The headers of a decision, for answers that pass and for refusals: `X-RateLimit-{Limit,Remaining,Reset}-{Minute,Day,Burst}`
 * (Reset in seconds from now), and `RateLimit`, `RateLimit-Policy`.
 *
 * @see draft-ietf-httpapi-ratelimit-headers-11; no partition key is sent, for it would tell the tenant's id
 */
export function rateLimitHeaders(decision: RateLimitDecision): Record<string, string> {
  const headers: Record<string, string> = {}
  const { limits } = decision
  if (limits.length > 0) {
    headers['RateLimit-Policy'] = limits
      .map((state) => `"${state.name}";q=${state.limit};w=${state.windowSeconds}`)
      .join(', ')
    headers['RateLimit'] = limits
      .map((state) => `"${state.name}";r=${state.remaining};t=${state.resetSeconds}`)
      .join(', ')
    for (const state of limits) {
      if (!isOfTenant(state)) continue
      const title = TITLE[state.name]
      headers[`X-RateLimit-Limit-${title}`] = String(state.limit)
      headers[`X-RateLimit-Remaining-${title}`] = String(state.remaining)
      headers[`X-RateLimit-Reset-${title}`] = String(state.resetSeconds)
    }
  }
  if (decision.retryAfterSeconds > 0) headers['Retry-After'] = String(decision.retryAfterSeconds)
  return headers
}

function isOfTenant(state: LimitState): state is LimitState & { readonly name: keyof typeof TITLE } {
  return state.name in TITLE
}

/**
 * The whole answer to a refused request: 429, or 503 where the store is down and the limiter refuses then.
 *
 * @param options.requestId becomes `instance`
 * @returns undefined for an admitted request
 * @see RFC 9457; the types are those that draft-ietf-httpapi-ratelimit-headers registers
 */
export function refusalAnswer(
  decision: RateLimitDecision,
  options: { readonly requestId?: string | undefined; readonly upgradeUrl?: string | undefined } = {},
): RefusalAnswer | undefined {
  if (decision.outcome === 'admitted') return undefined
  const { requestId, upgradeUrl } = options
  const headers = {
    ...rateLimitHeaders(decision),
    'Content-Type': 'application/problem+json',
    'Cache-Control': 'no-store',
  }
  const instance = requestId === undefined ? {} : { instance: requestId }
  if (decision.outcome === 'unavailable') {
    return {
      status: 503,
      headers,
      body: {
        type: 'https://iana.org/assignments/http-problem-types#temporary-reduced-capacity',
        title: 'The service is temporarily unavailable.',
        status: 503,
        code: 'PARTYWALL_DEPENDENCY_UNAVAILABLE',
        ...instance,
        retryAfter: decision.retryAfterSeconds,
      },
    }
  }
  const worst = decision.limits
    .filter((state) => decision.violated.includes(state.name))
    .sort((a, b) => b.resetSeconds - a.resetSeconds)[0]
  return {
    status: 429,
    headers,
    body: {
      type: 'https://iana.org/assignments/http-problem-types#quota-exceeded',
      title: 'Too many requests.',
      status: 429,
      code: 'PARTYWALL_RATE_LIMIT_EXCEEDED',
      ...instance,
      ...(worst === undefined ? {} : { limit: worst.limit }),
      retryAfter: decision.retryAfterSeconds,
      'violated-policies': decision.violated,
      ...(upgradeUrl === undefined ? {} : { upgradeUrl }),
    },
  }
}
