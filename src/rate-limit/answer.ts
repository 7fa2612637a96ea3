import type { RateLimitDecision } from './decision.ts'

/** A refusal as HTTP: the status, the headers and the problem details. */
export interface RefusalAnswer {
  readonly status: 429 | 503
  readonly headers: Readonly<Record<string, string>>
  readonly body: Readonly<Record<string, unknown>>
}

/** Only the limits of a tenant have `X-RateLimit-…` headers. Limits of a user or a route have none. */
const HEADER_NAMES = new Map(
  ['Burst', 'Minute', 'Day'].map((title) => [
    title.toLowerCase(),
    {
      limit: `X-RateLimit-Limit-${title}`,
      remaining: `X-RateLimit-Remaining-${title}`,
      reset: `X-RateLimit-Reset-${title}`,
    },
  ]),
)

/**
 * The headers of a decision, for answers that pass and for refusals: `X-RateLimit-{Limit,Remaining,Reset}-{Minute,Day,Burst}`
 * (Reset in seconds from now), and `RateLimit`, `RateLimit-Policy`.
 *
 * @see draft-ietf-httpapi-ratelimit-headers-11; no partition key is sent, because it would reveal the tenant's id
 */
export function rateLimitHeaders(decision: RateLimitDecision): Record<string, string> {
  const headers: Record<string, string> = {}
  const { limits } = decision
  if (limits.length > 0) {
    let policies = ''
    let standing = ''
    for (const { name, limit, remaining, resetSeconds, windowSeconds } of limits) {
      const separator = policies === '' ? '' : ', '
      policies += `${separator}"${name}";q=${limit};w=${windowSeconds}`
      standing += `${separator}"${name}";r=${remaining};t=${resetSeconds}`
      const names = HEADER_NAMES.get(name)
      if (names === undefined) continue
      headers[names.limit] = String(limit)
      headers[names.remaining] = String(remaining)
      headers[names.reset] = String(resetSeconds)
    }
    headers['RateLimit-Policy'] = policies
    headers['RateLimit'] = standing
  }
  if (decision.retryAfterSeconds > 0) headers['Retry-After'] = String(decision.retryAfterSeconds)
  return headers
}

/**
 * The complete answer to a refused request: 429, or 503 if the store is down and `onStoreFailure` is `closed`.
 *
 * @param options.requestId becomes `instance`
 * @returns undefined for an admitted request
 * @see RFC 9457; draft-ietf-httpapi-ratelimit-headers registers the types
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
