import type { IncomingMessage, RequestListener, ServerResponse } from 'node:http'
import type { TenantContext } from '../context/tenant-context.ts'
import { type AdapterOptions, gatesOf } from '../http/adapter-options.ts'
import { enterExchange } from '../http/node/enter-exchange.ts'
import { failExchange, openExchange } from '../http/node/exchange.ts'
import { NodeCall } from '../http/node/node-call.ts'
import type { HttpWall } from '../http/request-wall.ts'
import { checkRouteRule, type RouteRule } from '../http/route-rule.ts'

export { getCurrentTenant, requireTenant } from '../context/run-with-tenant.ts'
export type { AdapterOptions } from '../http/adapter-options.ts'
export type { HttpWall } from '../http/request-wall.ts'
export type { RouteRule } from '../http/route-rule.ts'
export type { AgreementOptions } from '../http/tenant-hints.ts'

/** Options of {@link tenantListener}. */
export interface TenantListenerOptions extends AdapterOptions {
  /** What a request needs: a rule, or a function that chooses the rule of a request. Default: only a token. */
  readonly rule?: RouteRule | ((request: IncomingMessage) => RouteRule) | undefined
  /** Takes the token out of a request; default: `Authorization: Bearer`. */
  readonly token?: ((request: IncomingMessage) => string | undefined) | undefined
  /** The client's address, if a proxy reports it. Default: the address of the socket. */
  readonly ip?: ((request: IncomingMessage) => string | undefined) | undefined
}

/** A handler of requests that runs in the tenant's context. */
export type TenantHandler = (request: IncomingMessage, response: ServerResponse, context: TenantContext) => unknown

/**
 * Makes a listener for `http.createServer`. Its handler runs in the tenant's context, after token, limits and permission were checked.
 *
 * Errors and rejections of the handler become problem documents. An answer that has begun is cut off. The answer of a suspended tenant is
 * cut off too.
 *
 * @example
 * ```ts
 * createServer(tenantListener(wall, { guard: wall.guard }, async (request, response) => { … })).listen(3000)
 * ```
 * @throws {ConfigurationError} `PARTYWALL_CONFIGURATION`
 * @see RFC 9457 (problem details)
 */
export function tenantListener(
  wall: HttpWall,
  options: TenantListenerOptions,
  handler: TenantHandler,
): RequestListener {
  const caller = 'tenantListener(wall, options, handler)'
  const { agreement, token, ip, rule = {} } = options
  const gates = gatesOf(wall, options, caller)
  if (typeof rule !== 'function') checkRouteRule(rule, wall, caller)
  const opening = {
    agreement,
    refuseBlocked: gates.refuseBlocked,
    token: token === undefined ? undefined : (call: NodeCall) => token(call.request),
  }
  return (request, response) => {
    const http = openExchange(wall, new NodeCall(request, { ip: ip?.(request) }), response, opening)
    const serve = async () => {
      const asked = typeof rule === 'function' ? rule(request) : rule
      const goesOn = await enterExchange({ http, request, response, gates, rule: asked })
      const { context } = http
      if (goesOn && context !== undefined) await http.run(() => handler(request, response, context))
    }
    serve().catch((error: unknown) => failExchange(http, request, response, error))
  }
}
