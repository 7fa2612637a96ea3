import type { IncomingMessage, ServerResponse } from 'node:http'
import { requireLimiter } from '../http/limit-request.ts'
import { answerLimit, limitExchange } from '../http/node/limit-exchange.ts'
import type { RateLimiter } from '../rate-limit/rate-limiter.ts'

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
  const limiter = requireLimiter(options.limiter, 'TenantRateLimiter')
  const { upgradeUrl } = options
  const costOf = readerOf(options.cost)
  const routeOf = readerOf(options.route)
  const limit = async (request: Request, response: ServerResponse) =>
    limitExchange(limiter, { cost: costOf(request), route: routeOf(request), upgradeUrl }, request, response)

  return (request, response, next) => {
    limit(request, response)
      .then((limited) => answerLimit(limited, response))
      .then((admitted) => {
        if (admitted) next()
      }, next)
  }
}

function readerOf<Request, Value>(option: Value | ((request: Request) => Value) | undefined) {
  return (request: Request): Value | undefined => (option instanceof Function ? option(request) : option)
}
