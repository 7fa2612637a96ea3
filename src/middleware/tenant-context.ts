import type { Request, RequestHandler } from 'express'
import type { TenantContext } from '../context/tenant-context.ts'
import type { OpenOptions } from '../http/http-call.ts'
import type { HttpRequest } from '../http/http-request.ts'
import { admitExchange, openExchange, openedRequest, runExchange } from '../http/node/exchange.ts'
import { NodeCall } from '../http/node/node-call.ts'
import type { RequestWall } from '../http/request-wall.ts'
import { type AgreementOptions, hintReader } from '../http/tenant-hints.ts'

export { getCurrentTenant, requireTenant } from '../context/run-with-tenant.ts'
export { tenantStore } from '../context/store.ts'

declare global {
  namespace Express {
    interface Request {
      /** Set by `tenantContextMiddleware`; frozen. */
      readonly tenantContext?: TenantContext
    }
  }
}

/** Options of {@link tenantContextMiddleware}. */
export interface TenantContextOptions {
  /** Other places of a request that may name a tenant. They must match the token. Default: header `x-tenant-id`. */
  readonly agreement?: AgreementOptions | undefined
  /** Takes the token out of a request; default: `Authorization: Bearer`. */
  readonly token?: ((request: Request) => string | undefined) | undefined
  /**
   * Set true if a `TenantRateLimiter` covers every route after this middleware. A request that the limits are known to refuse is then
   * refused before directory and membership are asked. Default false, so that routes without limits stay reachable.
   */
  readonly refuseBlocked?: boolean | undefined
}

/**
 * Verifies the token, finds the tenant, compares other hints with it, checks the membership, and opens the tenant context. All later
 * handlers of the request run inside this context.
 *
 * The tenant comes from the verified token and from nothing else. Refusals go to `next(error)`; mount {@link tenantErrorHandler} last.
 * Answers get `Cache-Control: private, no-cache` and `Vary: Authorization`, unless a handler sets another `Cache-Control`. If a tenant is
 * suspended while a request of the tenant runs, the request gets no more data, and its answer is cut off.
 *
 * @param wall the result of `createPartywall`
 * @example
 * ```ts
 * app.use(tenantContextMiddleware(wall))
 * app.get('/documents', async (request, response) => response.json(await documents.findAll()))
 * app.use(tenantErrorHandler())
 * ```
 */
export function tenantContextMiddleware(wall: RequestWall, options: TenantContextOptions = {}): RequestHandler {
  const { agreement, refuseBlocked, token } = options
  hintReader(agreement)
  const opening: OpenOptions<ExpressCall> = {
    agreement,
    refuseBlocked,
    token: token === undefined ? undefined : ({ request }) => token(request),
  }
  return (request, response, next) => {
    if (openedRequest(request)?.admitted === true) return next() // mounted twice: the context is open
    const http = openExchange(wall, new ExpressCall(request), response, opening)
    // Opening the context may throw too: the server may have been started in the context of another tenant.
    admitExchange(http, request, response)
      .then((goesOn) => {
        if (goesOn) runExchange(http, request, response, () => handle(http, request, next))
      })
      .catch(next)
  }
}

function handle(http: HttpRequest, request: Request, next: () => void): void {
  Object.defineProperty(request, 'tenantContext', { value: http.context, configurable: true, enumerable: true })
  next()
}

export class ExpressCall extends NodeCall {
  override readonly request: Request

  constructor(request: Request) {
    super(request)
    this.request = request
  }

  override get ip(): string | undefined {
    return this.request.ip
  }

  override get host(): string | undefined {
    return this.request.hostname
  }

  /** The path by which the request is routed. The raw target may be absolute, or contain backslashes that routing reads as slashes. */
  override get path(): string {
    return this.request.baseUrl + this.request.path
  }
}
