import type { IncomingMessage, ServerResponse } from 'node:http'
import { tryGetCurrentTenant } from '../context/run-with-tenant.ts'
import { ConfigurationError, isPartywallError, TenantContextMissingError } from '../errors.ts'
import { type RefusalAnswer, rateLimitHeaders, refusalAnswer } from '../rate-limit/answer.ts'
import type { RateLimitDecision } from '../rate-limit/decision.ts'
import { answerOfLimitError } from '../rate-limit/limit-refusal.ts'
import type { RateLimiter } from '../rate-limit/rate-limiter.ts'
import type { RateLimitRequest } from '../rate-limit/request.ts'
import { onceDone } from './in-progress.ts'

export interface TenantRateLimiterOptions<Request extends IncomingMessage = IncomingMessage> {
  /** `wall.limiter`. It is undefined if `rateLimit` is not configured; the constructor then throws. */
  readonly limiter: RateLimiter | undefined
  /** How much a request costs: the number of requests that it counts as; default 1. */
  readonly cost?: number | ((request: Request) => number)
  /** A name in the limiter's `routes`. The request then also counts against the limit of this route. Undefined: no route limit. */
  readonly route?: string | ((request: Request) => string | undefined)
  /** URL in refusals that tells clients where to upgrade. Default: the URL of the limiter. */
  readonly upgradeUrl?: string
}

/** A handler for Express 4 or 5. It also works in Connect, because it uses only Node's request and response. */
export type RateLimitHandler<Request extends IncomingMessage = IncomingMessage> = (
  request: Request,
  response: ServerResponse,
  next: (error?: unknown) => void,
) => void

/**
 * Limits the requests of each tenant in Express. Mount it after the middleware that opens the tenant context.
 *
 * Answers of admitted requests carry the `X-RateLimit-…` and `RateLimit` headers. Refused requests get 429 and problem details, or 503 if
 * the store is down and `onStoreFailure` is `closed`. A request without a tenant context is refused.
 *
 * @example
 * app.use(tenantContextMiddleware(wall))
 * app.use(new TenantRateLimiter({ limiter }).handler)
 */
export class TenantRateLimiter<Request extends IncomingMessage = IncomingMessage> {
  /** The middleware. */
  readonly handler: RateLimitHandler<Request>

  constructor(options: TenantRateLimiterOptions<Request>) {
    this.handler = tenantRateLimiter(options)
  }
}

/**
 * Makes the middleware of {@link TenantRateLimiter}.
 *
 * @throws {ConfigurationError} `PARTYWALL_CONFIGURATION` if the wall has no limiter
 */
export function tenantRateLimiter<Request extends IncomingMessage>(
  options: TenantRateLimiterOptions<Request>,
): RateLimitHandler<Request> {
  const limiter = requireLimiter(options.limiter)
  const { upgradeUrl = limiter.upgradeUrl } = options
  const costOf = readerOf(options.cost)
  const routeOf = readerOf(options.route)

  // If the same limiter is mounted twice, the request counts once.
  const counted = new WeakSet<ServerResponse>()

  function askedFor(request: Request): RateLimitRequest {
    const context = tryGetCurrentTenant()
    if (context === undefined) {
      throw new TenantContextMissingError(
        'TenantRateLimiter stands before the middleware that opens the tenant context.',
      )
    }
    const { tenantId, tier, userId } = context
    return { tenantId, tier, userId, cost: costOf(request), route: routeOf(request) }
  }

  function ask(request: Request, response: ServerResponse): Promise<RateLimitDecision> {
    const asked = askedFor(request)
    if (!counted.has(response)) {
      const leave = limiter.enter(asked)
      counted.add(response)
      onceDone(request, response, leave)
    }
    return limiter.check(asked)
  }

  function answer(decision: RateLimitDecision, response: ServerResponse): boolean {
    const requestId = tryGetCurrentTenant()?.requestId
    const refusal = refusalAnswer(decision, { requestId, upgradeUrl })
    const headers = refusal?.headers ?? rateLimitHeaders(decision)
    for (const name in headers) {
      const value = headers[name]
      if (value !== undefined) response.setHeader(name, value)
    }
    if (refusal === undefined) return true
    send(refusal, response)
    return false
  }

  return (request, response, next) => {
    let asked: Promise<RateLimitDecision>
    try {
      asked = ask(request, response)
    } catch (error) {
      const requestId = tryGetCurrentTenant()?.requestId
      const refusal = isPartywallError(error) ? answerOfLimitError(error, requestId ?? '') : undefined
      if (refusal === undefined) next(error)
      else send(refusal, response)
      return
    }
    asked
      .then((decision) => answer(decision, response))
      .then((admitted) => {
        if (admitted) next()
      }, next)
  }
}

function send({ status, headers, body }: RefusalAnswer, response: ServerResponse): void {
  for (const [name, value] of Object.entries(headers)) response.setHeader(name, value)
  response.statusCode = status
  response.end(JSON.stringify(body))
}

function requireLimiter(limiter: RateLimiter | undefined): RateLimiter {
  if (limiter !== undefined) return limiter
  throw new ConfigurationError(
    'TenantRateLimiter: limiter is undefined. A wall has one where it is configured: createPartywall({ rateLimit: { store } }).',
  )
}

function readerOf<Request, Value>(option: Value | ((request: Request) => Value) | undefined) {
  return (request: Request): Value | undefined => (option instanceof Function ? option(request) : option)
}
