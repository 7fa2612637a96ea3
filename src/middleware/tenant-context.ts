import type { Request, RequestHandler, Response } from 'express'
import { readBearerToken } from '../auth/bearer.ts'
import { rememberClient } from '../context/client-info.ts'
import { newRequestId } from '../context/request-id.ts'
import { runInTenantFrame } from '../context/run-with-tenant.ts'
import { tenantStore } from '../context/store.ts'
import type { TenantContext } from '../context/tenant-context.ts'
import { bindEvents } from './bind-events.ts'
import { onceClosed } from './in-progress.ts'
import { type RequestWall, rememberRequest, requestState } from './request-state.ts'
import { answerProblem } from './tenant-error-handler.ts'
import { type AgreementOptions, createHintReader, type HintSource } from './tenant-hints.ts'

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

const WELL_FORMED_ID = /^[\w.-]{1,64}$/

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
  const hintsOf = createHintReader(options.agreement)
  const { refuseBlocked } = options
  const tokenOf = options.token ?? ((request: Request) => readBearerToken(request.headers.authorization))

  return (request, response, next) => {
    if (requestState(request)?.work !== undefined) return next() // mounted twice: the context is open
    const requestId = readRequestId(request, wall)
    rememberRequest(request, { requestId, wall })
    response.setHeader('X-Request-Id', requestId)
    keepFromCaches(response)
    const admitted = () =>
      wall.admit({
        token: tokenOf(request),
        requestId,
        clientAddress: request.ip,
        refuseBlocked,
        hints: hintsOf(new ExpressHints(request)),
      })
    // A request starts without the context that an earlier pipelined request may have left. `exit` is not used: before Node 24 it switches
    // the hooks of the whole process off and on again.
    tenantStore.run(undefined, () => admitted().then((context) => open(wall, context, request, response, next), next))
  }
}

function open(wall: RequestWall, context: TenantContext, request: Request, response: Response, next: () => void): void {
  const work = wall.beginWork(context.tenantId)
  rememberRequest(request, { requestId: context.requestId, wall, work })
  onceClosed(request, response, () => work.end())
  work.onStop((reason) => {
    if (response.headersSent) request.socket.destroy()
    else answerProblem(request, response, reason)
  })
  if (work.stopped() !== undefined) return
  const readOnly = request.method === 'GET' || request.method === 'HEAD'
  runInTenantFrame(context, { events: wall.events, readOnly, stopped: work.stopped }, () => {
    Object.defineProperty(request, 'tenantContext', {
      value: tenantStore.getStore(),
      configurable: true,
      enumerable: true,
    })
    rememberClient(() => ({ ip: request.ip, userAgent: request.headers['user-agent'] }))
    bindEvents(request, response)
    next()
  })
}

/**
 * All tenants use the same URLs. Without these headers, a cache whose key is only the URL would give one tenant's answer to another. A
 * handler may set other headers for data that belongs to no tenant.
 *
 * @see RFC 9111, sections 3.5 and 4.1
 */
function keepFromCaches(response: Response): void {
  if (!response.hasHeader('Cache-Control')) response.setHeader('Cache-Control', 'private, no-cache')
  response.vary('Authorization')
}

function readRequestId(request: Request, wall: RequestWall): string {
  const { requestIdHeader } = wall
  const given = requestIdHeader === undefined ? undefined : request.headers[requestIdHeader.toLowerCase()]
  return typeof given === 'string' && WELL_FORMED_ID.test(given) ? given : newRequestId()
}

/** Host and path are read only on demand, because most applications compare only headers. */
class ExpressHints implements HintSource {
  readonly #request: Request

  constructor(request: Request) {
    this.#request = request
  }

  header(name: string) {
    return this.#request.headers[name]
  }

  get host(): string | undefined {
    return this.#request.hostname
  }

  /** The path by which the request is routed. The raw target may be absolute, or contain backslashes that routing reads as slashes. */
  get path(): string {
    return this.#request.baseUrl + this.#request.path
  }
}
