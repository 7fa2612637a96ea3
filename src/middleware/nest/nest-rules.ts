import { ConfigurationError } from '../../errors.ts'
import { requirePermissionName, requirePublicReason } from '../../http/permission.ts'
import type { RouteRule } from '../../http/route-rule.ts'

/** A rule of a handler, with the loader of the object that its permission is about. */
export interface NestRule extends RouteRule {
  readonly object?: NestObjectLoader | undefined
}

/** Loads the object for grants with conditions, from the request of Express or Fastify. It runs in the tenant's context. */
export type NestObjectLoader = (request: unknown) => object | undefined | Promise<object | undefined>

/** A decorator of a controller's class, or of one of its methods. */
type NestRuleDecorator = (target: object, key?: string | symbol, descriptor?: PropertyDescriptor) => void

// A WeakMap and not metadata, so that a copy or subclass that NestJS makes of a handler does not inherit its rule.
const rules = new WeakMap<object, NestRule>()

/**
 * Requires a permission for a method, or for all methods of a controller.
 *
 * @throws {ConfigurationError} `PARTYWALL_CONFIGURATION`
 */
export function RequirePermission(
  permission: string,
  options: { readonly object?: NestObjectLoader | undefined } = {},
): NestRuleDecorator {
  requirePermissionName(permission, '@RequirePermission(permission)')
  return decorate({ permission, object: options.object })
}

/**
 * Opens a method, or a controller, to every user of the tenant, and says why it needs no permission. A token is still needed.
 *
 * @throws {ConfigurationError} `PARTYWALL_CONFIGURATION`
 */
export function PublicRoute(reason: string): NestRuleDecorator {
  requirePublicReason(reason, '@PublicRoute(reason)')
  return decorate({ public: reason })
}

/** `route`: counts each request against the limit `rateLimit.routes[route]` as well. `cost`: counts each request as that many requests. */
export function TenantLimit(limit: Pick<RouteRule, 'route' | 'cost'>): NestRuleDecorator {
  return decorate({ route: limit.route, cost: limit.cost })
}

/** The rule of a handler. Declarations of the handler replace declarations of its controller. */
export function ruleOf(handler: object, controller: object): NestRule {
  const own = rules.get(handler) ?? {}
  const shared = rules.get(controller) ?? {}
  const { permission, public: reason, object } = own.permission === undefined && own.public === undefined ? shared : own
  return { permission, public: reason, object, route: own.route ?? shared.route, cost: own.cost ?? shared.cost }
}

function decorate(rule: NestRule): NestRuleDecorator {
  return (target, _key, descriptor) => {
    const of: unknown = descriptor === undefined ? target : descriptor.value
    if (typeof of !== 'function')
      throw new ConfigurationError('Put decorators of partywall/nest on a controller or on one of its methods.')
    const before = rules.get(of) ?? {}
    const both = { ...before, ...defined(rule) }
    if (both.permission !== undefined && both.public !== undefined)
      throw new ConfigurationError('A handler with a permission is not public. Remove one of the two decorators.')
    rules.set(of, both)
  }
}

function defined(rule: NestRule): NestRule {
  return Object.fromEntries(Object.entries(rule).filter(([, value]) => value !== undefined))
}
