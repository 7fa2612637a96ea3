import type { Request, RequestHandler } from 'express'
import type { AccessControl } from '../access/access-control.ts'
import { checkPermission, requireAccess, requirePermissionName, requirePublicReason } from '../http/permission.ts'
import { declareRoute } from './route-declaration.ts'

/** Options of a route's permission. */
export interface RequirePermissionOptions {
  /** Loads the object for grants with conditions. If it is left out, the permission is checked without an object. */
  readonly object?: (request: Request) => object | undefined | Promise<object | undefined>
}

/** Makers of handlers that run before a route's own handler. */
export interface RoutePermissions<P extends string = string> {
  /**
   * Makes a handler that refuses with 403 unless the current context has the permission. It also declares the permission for
   * `findUndeclaredRoutes`.
   */
  requirePermission(permission: P, options?: RequirePermissionOptions): RequestHandler
  /** Makes a handler that refuses with 403 unless the tenant has this tier or a higher one. It declares no permission. */
  requireTier(tier: string): RequestHandler
}

/**
 * Binds `requirePermission` and `requireTier` to an access control, for Express 4 and 5.
 *
 * @example
 * ```ts
 * const { requirePermission } = routePermissions(access)
 * app.get('/documents', requirePermission('documents:read'), listDocuments)
 * ```
 *
 * @param given `wall.access`. It is undefined if `access` is not configured; this function then throws
 * @throws {ConfigurationError} `PARTYWALL_CONFIGURATION`
 */
export function routePermissions<P extends string>(given: AccessControl<P> | undefined): RoutePermissions<P> {
  const access = requireAccess(given, 'routePermissions(access)')
  return {
    requirePermission(permission, { object } = {}) {
      requirePermissionName(permission, 'requirePermission(permission)')
      const handler: RequestHandler = (request, _response, next) => {
        let checking: void | Promise<void>
        try {
          checking = checkPermission(access, permission, object === undefined ? undefined : () => object(request))
        } catch (error) {
          next(error)
          return
        }
        // If nothing is asynchronous, go on without a promise.
        if (checking === undefined) next()
        else checking.then(() => next(), next)
      }
      return declareRoute(handler, { permission })
    },
    requireTier: (tier) => (_request, _response, next) => {
      try {
        access.requireTier(tier)
      } catch (error) {
        next(error)
        return
      }
      next()
    },
  }
}

/**
 * Declares that a route needs no permission, and documents the reason beside the route.
 *
 * @throws {ConfigurationError} `PARTYWALL_CONFIGURATION` without a reason of at least 8 characters
 */
export function publicRoute(reason: string): RequestHandler {
  requirePublicReason(reason, 'publicRoute(reason)')
  return declareRoute((_request, _response, next) => next(), { reason })
}
