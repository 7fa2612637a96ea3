import { z } from 'zod'
import type { AccessControl } from '../access/access-control.ts'
import { parseOptions } from '../config/parse-options.ts'
import { ConfigurationError } from '../errors.ts'
import type { RateLimiter } from '../rate-limit/rate-limiter.ts'
import { requireAccess, requirePermissionName, requirePublicReason } from './permission.ts'

/** What a route requires of a request. */
export interface RouteRule {
  /** The permission that the route requires, such as `documents:read`. Default: none. */
  readonly permission?: string | undefined
  /** Why the route requires no permission, in at least 8 characters. A token is still required. */
  readonly public?: string | undefined
  /** A name in the limiter's `routes`: also counts against the tenant's limit for that route. Default: none. */
  readonly route?: string | undefined
  /** The number of requests that a request counts as; default 1. */
  readonly cost?: number | undefined
}

const schema = z.strictObject({
  permission: z.string().optional(),
  public: z.string().optional(),
  route: z.string().optional(),
  cost: z.number().optional(),
})

/**
 * Checks the rule of a route when the route is made, so that a mistake is found at start.
 *
 * @throws {ConfigurationError} `PARTYWALL_CONFIGURATION` if the rule is not valid, or needs a part that the wall does not have
 */
export function checkRouteRule(
  rule: RouteRule,
  wall: { readonly access: AccessControl | undefined; readonly limiter: RateLimiter | undefined },
  caller: string,
): void {
  const { permission, public: reason, route } = parseOptions(schema, rule, caller)
  if (permission !== undefined && reason !== undefined)
    throw new ConfigurationError(`${caller}: a route with a permission is not public. Remove one of the two.`)
  if (permission !== undefined) {
    requirePermissionName(permission, caller)
    requireAccess(wall.access, caller)
  }
  if (reason !== undefined) requirePublicReason(reason, caller)
  if (route !== undefined && wall.limiter === undefined)
    throw new ConfigurationError(`${caller}: route needs createPartywall({ rateLimit: { routes } }).`)
}
