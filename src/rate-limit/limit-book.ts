import { parseOptions } from '../config/parse-options.ts'
import { ConfigurationError } from '../errors.ts'
import { type Limits, shareOf, smallestTier, type TierLimits, tierLimitsSchema, toLimits } from './limits.ts'
import type { RateLimiterSettings } from './options.ts'
import type { RateLimitRequest } from './request.ts'
import { routeKey, tenantKey, userKey } from './scope-key.ts'
import type { Scope } from './store.ts'

/** The limits for all processes together, and the share of one process. */
interface Shared {
  readonly full: Limits
  readonly share: Limits
}

interface Tier {
  readonly name: string
  readonly tenant: Shared
  readonly user: Shared | undefined
}

/** A scope that also knows this process's share of its limits. */
interface SharedScope extends Scope {
  readonly share: Limits
}

/**
 * What a store needs to know to decide about one request. The object is small, because one is created for each request, even if the deny
 * cache refuses the request.
 */
export class Question {
  readonly request: RateLimitRequest
  readonly tier: string
  readonly cost: number
  readonly scopes: readonly SharedScope[]

  constructor(request: RateLimitRequest, tier: string, cost: number, scopes: readonly SharedScope[]) {
    this.request = request
    this.tier = tier
    this.cost = cost
    this.scopes = scopes
  }

  /** The scopes with this process's share of each limit. */
  localScopes(): readonly Scope[] {
    return this.scopes.map(({ kind, key, share }) => ({ kind, key, limits: share }))
  }
}

/**
 * Decides which limits apply to a request. The limits of one tier or route are one object until they are replaced: the deny cache compares
 * them by identity.
 */
export function createLimitBook(settings: RateLimiterSettings) {
  const configured = new Map<string, TierLimits>(Object.entries(settings.tiers))
  const tiers = new Map<string, Tier>()
  const routes = new Map<string, Shared>()
  const shared = (full: Limits): Shared => ({ full, share: shareOf(full, settings.instances) })
  for (const [name, limits] of configured) tiers.set(name, resolve(name, limits))
  for (const [name, limits] of Object.entries(settings.routes)) routes.set(name, shared(toLimits(limits)))
  let smallest = findSmallest()

  function resolve(name: string, limits: TierLimits): Tier {
    const user = limits.perUser === undefined ? undefined : shared(toLimits(limits.perUser))
    return { name, tenant: shared(toLimits(limits)), user }
  }

  function findSmallest(): Tier {
    const limits = smallestTier(configured)
    const found = [...tiers.values()].find((tier) => configured.get(tier.name) === limits)
    if (found === undefined)
      throw new ConfigurationError('createRateLimiter(options): tiers must have at least one tier.')
    return found
  }

  return {
    question(request: RateLimitRequest): Question {
      const { tenantId, userId, route, cost = 1 } = request
      const tier = tiers.get(request.tier) ?? smallest
      if (!Number.isInteger(cost) || cost < 1 || cost > tier.tenant.full.burst) {
        throw new ConfigurationError(
          `A request's cost must be an integer from 1 to the burstSize of its tier (${tier.tenant.full.burst}); the tenant can't spend more at once.`,
        )
      }
      const scopes = [scope('tenant', tenantKey(tenantId), tier.tenant)]
      if (tier.user !== undefined && userId !== undefined) {
        scopes.push(scope('user', userKey(tenantId, userId), tier.user))
      }
      if (route !== undefined) {
        const limits = routes.get(route)
        if (limits === undefined) {
          throw new ConfigurationError('A request names a route that createRateLimiter({ routes }) does not have.')
        }
        scopes.push(scope('route', routeKey(tenantId, route), limits))
      }
      return new Question(request, tier.name, cost, scopes)
    },
    isTier: (name: string): boolean => tiers.has(name),
    routeKeys: (tenantId: string): string[] => [...routes.keys()].map((route) => routeKey(tenantId, route)),
    setTier(name: string, limits: TierLimits): void {
      const checked = parseOptions(tierLimitsSchema, limits, 'setTier(name, limits)')
      configured.set(name, checked)
      tiers.set(name, resolve(name, checked))
      smallest = findSmallest()
    },
  }
}

function scope(kind: Scope['kind'], key: string, { full, share }: Shared): SharedScope {
  return { kind, key, limits: full, share }
}
