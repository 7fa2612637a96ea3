import type { Context, MiddlewareHandler } from 'hono'
import type { AccessControl } from '../access/access-control.ts'
import { type AdapterOptions, gatesOf } from '../http/adapter-options.ts'
import { handleFetch } from '../http/fetch/handle-fetch.ts'
import { type PermissionOptions, permissionCheck, requirePublicReason } from '../http/permission.ts'
import type { HttpWall } from '../http/request-wall.ts'
import type { RouteRule } from '../http/route-rule.ts'
import { declareRoute } from './route-declaration.ts'

export { getCurrentTenant, requireTenant } from '../context/run-with-tenant.ts'
export type { AdapterOptions } from '../http/adapter-options.ts'
export type { HttpWall } from '../http/request-wall.ts'
export type { RouteRule } from '../http/route-rule.ts'
export type { AgreementOptions } from '../http/tenant-hints.ts'
export { findUndeclaredRoutes } from './hono/find-undeclared-routes.ts'
export type { FoundRoute, RouteReport } from './route-report.ts'

/** Options of {@link tenantContext}. */
export interface HonoOptions extends AdapterOptions {
  /** Chooses what a request needs, such as the limit of a route. Default: only a token. */
  readonly rule?: ((context: Context) => RouteRule) | undefined
  /** Takes the token out of a request; default: `Authorization: Bearer`. */
  readonly token?: ((context: Context) => string | undefined) | undefined
  /** The client's address, as the runtime's `getConnInfo` tells it. Default: unknown; limits of failed tokens then don't apply. */
  readonly ip?: ((context: Context) => string | undefined) | undefined
}

/**
 * A middleware for Hono 4. All later handlers run in the tenant's context, after token and limits were checked. Errors of handlers become
 * problem documents, before `app.onError` of the same application could change them for the client.
 *
 * @example
 * ```ts
 * app.use(tenantContext(wall, { guard: wall.guard, ip: (context) => getConnInfo(context).remote.address }))
 * app.get('/documents', requirePermission(wall.access, 'documents:read'), async (context) => context.json(await documents.findPage()))
 * ```
 * @throws {ConfigurationError} `PARTYWALL_CONFIGURATION`
 * @see RFC 9457 (problem details)
 */
export function tenantContext(wall: HttpWall, options: HonoOptions = {}): MiddlewareHandler {
  const { rule, token, ip, ...shared } = options
  gatesOf(wall, options, 'tenantContext(wall, options)')
  return async (context, next) => {
    const tokenOf = token === undefined ? undefined : () => token(context)
    const asked = { ...shared, rule: rule?.(context), token: tokenOf, ip: ip?.(context) }
    const answer = await handleFetch(wall, context.req.raw, asked, async () => {
      await next()
      // Hono has already answered an error of the handler, perhaps with the error's message. So throw the error again.
      if (context.error !== undefined) throw context.error
      return context.res
    })
    // Without this line Hono would keep the headers of the answer that is replaced.
    context.res = undefined
    context.res = answer
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
  options: PermissionOptions<Context> = {},
): MiddlewareHandler {
  const check = permissionCheck(access, permission, options)
  const handler: MiddlewareHandler = async (context, next) => {
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
export function publicRoute(reason: string): MiddlewareHandler {
  requirePublicReason(reason, 'publicRoute(reason)')
  const handler: MiddlewareHandler = async (_context, next) => {
    await next()
  }
  return declareRoute(handler, { reason })
}
