import type { IncomingMessage, ServerResponse } from 'node:http'
import { Readable } from 'node:stream'
import { ReadableStream } from 'node:stream/web'
import type { AccessControl } from '../access/access-control.ts'
import { type AdapterOptions, gatesOf } from '../http/adapter-options.ts'
import { bindReadable } from '../http/bind-events.ts'
import { enterExchange } from '../http/node/enter-exchange.ts'
import { failExchange, openExchange } from '../http/node/exchange.ts'
import { refuseHead } from '../http/node/guarded-answer.ts'
import { NodeCall } from '../http/node/node-call.ts'
import { type PermissionOptions, permissionCheck, requirePublicReason } from '../http/permission.ts'
import type { HttpWall } from '../http/request-wall.ts'
import { checkRouteRule, type RouteRule } from '../http/route-rule.ts'
import { declareRoute } from './route-declaration.ts'

export { getCurrentTenant, requireTenant } from '../context/run-with-tenant.ts'
export type { AdapterOptions } from '../http/adapter-options.ts'
export type { HttpWall } from '../http/request-wall.ts'
export type { RouteRule } from '../http/route-rule.ts'
export type { AgreementOptions } from '../http/tenant-hints.ts'
export { findUndeclaredRoutes } from './koa/find-undeclared-routes.ts'
export type { FoundRoute, RouteReport } from './route-report.ts'

/** The part of Koa's context that the adapter uses. */
export interface KoaContext {
  readonly req: IncomingMessage
  readonly res: ServerResponse
  readonly hostname: string
  readonly path: string
  readonly ip: string
  readonly method: string
  readonly type: string
  body: unknown
  respond?: boolean
  onerror(error: Error | null): void
}

/** A middleware of Koa. */
export type KoaMiddleware<Context extends KoaContext = KoaContext> = (
  context: Context,
  next: () => Promise<unknown>,
) => Promise<void>

/** Options of {@link tenantContext}. */
export interface KoaOptions extends AdapterOptions {
  /** Chooses what a request needs, such as the limit of a route. Default: only a token. */
  readonly rule?: ((context: KoaContext) => RouteRule) | undefined
  /** Takes the token out of a request; default: `Authorization: Bearer`. */
  readonly token?: ((context: KoaContext) => string | undefined) | undefined
}

/**
 * A middleware for Koa 3. All later middleware runs in the tenant's context, after token and limits were checked. Mount it before all
 * middleware that reads data. Errors of later middleware become problem documents.
 *
 * @example
 * ```ts
 * app.use(tenantContext(wall, { guard: wall.guard }))
 * router.get('/documents', requirePermission(wall.access, 'documents:read'), async (context) => { … })
 * ```
 * @throws {ConfigurationError} `PARTYWALL_CONFIGURATION`
 * @see RFC 9457 (problem details)
 */
export function tenantContext(wall: HttpWall, options: KoaOptions = {}): KoaMiddleware {
  const { agreement, token, rule } = options
  const gates = gatesOf(wall, options, 'tenantContext(wall, options)')
  const opening = {
    agreement,
    refuseBlocked: gates.refuseBlocked,
    token: token === undefined ? undefined : (call: KoaCall) => token(call.koa),
  }
  return async (context, next) => {
    const { req: request, res: response } = context
    const http = openExchange(wall, new KoaCall(context), response, opening)
    const takeOver = () => {
      context.respond = false
    }
    const fail = (error: unknown) => {
      takeOver()
      failExchange(http, request, response, error)
    }
    // Koa calls this for errors of streams. Its own answer would carry the message of the error.
    context.onerror = (error) => {
      if (error !== null && error !== undefined) fail(error)
    }
    try {
      const asked = rule?.(context)
      if (asked !== undefined) checkRouteRule(asked, wall, 'tenantContext(wall, { rule })')
      if (!(await enterExchange({ http, request, response, gates, rule: asked ?? {}, takeOver }))) return
      await http.run(next)
      http.run(() => bindBody(context))
      if (http.run(() => refusesHead(context))) takeOver()
    } catch (error) {
      fail(error)
    }
  }
}

/**
 * Makes a middleware that refuses with 403 unless the current context has the permission.
 *
 * @param options.object loads the object for grants with conditions
 * @throws {ConfigurationError} `PARTYWALL_CONFIGURATION`
 */
export function requirePermission<P extends string>(
  access: AccessControl<P> | undefined,
  permission: P,
  options: PermissionOptions<KoaContext> = {},
): KoaMiddleware {
  const check = permissionCheck(access, permission, options)
  const handler: KoaMiddleware = async (context, next) => {
    await check(context)
    await next()
  }
  return declareRoute(handler, { permission })
}

/**
 * Declares that a route needs no permission, and documents the reason beside the route. The route still needs a token.
 *
 * @throws {ConfigurationError} `PARTYWALL_CONFIGURATION` without a reason of at least 8 characters
 */
export function publicRoute(reason: string): KoaMiddleware {
  requirePublicReason(reason, 'publicRoute(reason)')
  const handler: KoaMiddleware = async (_context, next) => {
    await next()
  }
  return declareRoute(handler, { reason })
}

/** Koa pipes the body after all middleware has returned, outside the context. */
function bindBody(context: KoaContext): void {
  if (context.body instanceof ReadableStream) context.body = Readable.fromWeb(context.body)
  if (context.body instanceof Readable) bindReadable(context.body)
}

/** @returns whether a refusal was sent */
function refusesHead({ method, body, type, res }: KoaContext): boolean {
  if (method !== 'HEAD' || body instanceof Readable) return false
  const sent = typeof body === 'string' || ArrayBuffer.isView(body) ? body : (JSON.stringify(body) ?? '')
  return refuseHead(res, sent, { contentType: type, codings: '', isPart: false })
}

/** A request of Koa. `app.proxy` applies to its host and ip. */
class KoaCall extends NodeCall {
  readonly koa: KoaContext

  constructor(koa: KoaContext) {
    super(koa.req)
    this.koa = koa
  }

  override get host(): string | undefined {
    return this.koa.hostname
  }

  override get path(): string {
    return this.koa.path
  }

  override get ip(): string | undefined {
    return this.koa.ip
  }
}
