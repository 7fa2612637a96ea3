import type { NextFunction, Request, RequestHandler } from 'express'
import type { AccessControl } from '../access/access-control.ts'
import { ConfigurationError } from '../errors.ts'
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
  const access = requireAccess(given)
  return {
    requirePermission(permission, options = {}) {
      if (typeof permission !== 'string' || permission === '') {
        throw new ConfigurationError(
          'requirePermission(permission): the permission must be a name such as documents:read.',
        )
      }
      const { object } = options
      const handler: RequestHandler = (request, _response, next) => {
        if (object === undefined && access.isLoaded()) checkNow(next)
        else check(request).then(() => next(), next)
      }
      // Nothing is asynchronous here, so decide without a promise.
      function checkNow(next: NextFunction): void {
        try {
          access.requirePermission(permission)
        } catch (error) {
          next(error)
          return
        }
        next()
      }
      async function check(request: Request): Promise<void> {
        await access.load()
        access.requirePermission(permission, await object?.(request))
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
  if (typeof reason !== 'string' || reason.trim().length < 8) {
    throw new ConfigurationError(
      'publicRoute(reason): say in at least 8 characters why this route needs no permission.',
    )
  }
  return declareRoute((_request, _response, next) => next(), { reason })
}

function requireAccess<P extends string>(access: AccessControl<P> | undefined): AccessControl<P> {
  if (access !== undefined) return access
  throw new ConfigurationError(
    'routePermissions(access): access is undefined. A wall has it where it is configured: createPartywall({ access: { roles } }).',
  )
}
