import { tryGetCurrentTenant } from '../context/run-with-tenant.ts'
import { type ConcurrencyExceededError, ConfigurationError, DependencyUnavailableError } from '../errors.ts'
import { createDefaultLogger } from '../logger/logger.ts'
import {
  decisionOf,
  type LimiterMode,
  type LimitState,
  type RateLimitDecision,
  scopeWaits,
  uncounted,
} from './decision.ts'
import { createDenyCache } from './deny-cache.ts'
import { createGuardedStore } from './guarded-store.ts'
import { InFlight } from './in-flight.ts'
import { createLimitBook, type Question } from './limit-book.ts'
import { limitExceeded } from './limit-refusal.ts'
import { plainTierLimitsSchema, type TierLimits, toLimits } from './limits.ts'
import { createMemoryStore } from './memory-store.ts'
import { type RateLimiterOptions, readOverrideOptions, readRateLimiterOptions, readReason } from './options.ts'
import type { RateLimitRequest } from './request.ts'
import { tenantKey, userKey } from './scope-key.ts'
import type { Override, StoreReply } from './store.ts'

/** Usage of a tenant, for support and for the customer's settings page. */
export interface TenantUsage {
  readonly tenantId: string
  readonly tier: string
  readonly limits: readonly (LimitState & { readonly used: number })[]
  /** Present while an override applies in place of the tier's limits. */
  readonly override?: { readonly limits: TierLimits; readonly until: Date | undefined }
  /** The source of the counts. `local`: the store is down, and only the requests of this process are counted. */
  readonly mode: LimiterMode
}

/** Per-tenant limits; see {@link createRateLimiter}. */
export interface RateLimiter {
  /** The current source of decisions. */
  readonly mode: LimiterMode
  readonly upgradeUrl: string | undefined
  /** Decides one request, and counts it if it is admitted. Never rejects because the store is down. */
  check(request: RateLimitRequest): Promise<RateLimitDecision>
  /**
   * Like `check`, but throws if the request is refused.
   *
   * @throws {RateLimitExceededError} `PARTYWALL_RATE_LIMIT_EXCEEDED`; `details.decision` is the decision
   * @throws {DependencyUnavailableError} `PARTYWALL_DEPENDENCY_UNAVAILABLE` if the store is down and `onStoreFailure` is `closed`
   */
  consume(request: RateLimitRequest): Promise<RateLimitDecision>
  /**
   * Returns a refusal that this process still remembers. The call asks no store and counts nothing, but reports the refusal to
   * `onDecision`.
   *
   * For early refusals: call this function as soon as the token's tenant is known, before the directory, the database or the store is
   * asked.
   */
  blocked(request: RateLimitRequest): RateLimitDecision | undefined
  /**
   * Counts a request as in flight until the returned function is called, for the option `concurrency`. `TenantRateLimiter` calls `enter`
   * itself.
   *
   * @throws {ConcurrencyExceededError} `PARTYWALL_CONCURRENCY_EXCEEDED` if the tenant has as many requests in flight as its tier allows
   */
  enter(request: RateLimitRequest): () => void
  /** The error with which `enter` would refuse. Counts nothing, but emits the event of the refusal. */
  crowded(request: RateLimitRequest): ConcurrencyExceededError | undefined
  /** Usage of the tenant. Counts nothing. @param options.tier default: `tierOf`, else the current context's, else the smallest */
  usage(tenantId: string, options?: { readonly tier?: string; readonly userId?: string }): Promise<TenantUsage>
  /**
   * Resets the counters of the tenant, its routes and the given user. Other processes may refuse for up to a second more.
   *
   * @throws {DependencyUnavailableError} `PARTYWALL_DEPENDENCY_UNAVAILABLE` the store does not answer
   */
  reset(tenantId: string, options: { readonly reason: string; readonly userId?: string }): Promise<void>
  /**
   * Gives one tenant other limits than the limits of its tier; null removes them. The override is kept in the store, so it applies in all
   * processes. A process that remembers a refusal may refuse the tenant for up to a second longer.
   */
  override(
    tenantId: string,
    limits: Pick<TierLimits, 'requestsPerMinute' | 'requestsPerDay' | 'burstSize'> | null,
    options: { readonly reason: string; readonly expiresInSeconds?: number },
  ): Promise<void>
  /** Changes or adds a tier in this process, from the next request on. */
  setTier(name: string, limits: TierLimits): void
  /**
   * Connects the store now. Without this call the first request waits for the connection, at most `storeTimeoutMs`.
   *
   * @throws the reason why the store does not answer
   */
  ready(options?: { readonly timeoutMs?: number }): Promise<void>
  /** Rejects if the store does not answer in time; for health checks. */
  ping(): Promise<void>
  /** Ends the store's connection. Later checks get the answers that `onStoreFailure` gives while the store is down. */
  close(): Promise<void>
}

/**
 * Limits the requests of each tenant by the tenant's tier: in a burst, per minute and per UTC day. One round trip checks all limits
 * atomically. A refused request counts against no limit.
 *
 * While the store is down, each process enforces its share of the limits (`onStoreFailure: 'local'`), refuses all requests (`closed`), or
 * lets all requests pass (`open`).
 *
 * @throws {ConfigurationError} `PARTYWALL_CONFIGURATION` naming each option that is wrong
 */
export function createRateLimiter(options: RateLimiterOptions): RateLimiter {
  const { store, settings } = readRateLimiterOptions(options)
  const { events, onDecision, tierOf, logger = createDefaultLogger() } = options
  const book = createLimitBook(settings)
  const denials = createDenyCache(settings.denyCacheMs)
  const local = createMemoryStore()
  const guarded = createGuardedStore({ store, settings, events, logger })
  const down = settings.onStoreFailure
  const inFlight = new InFlight({
    concurrency: settings.concurrency,
    isTier: book.isTier,
    onRefused(decision, request) {
      refused(decision, request)
      onDecision?.(decision, request)
    },
  })

  function refused({ violated, tier }: RateLimitDecision, { tenantId, userId }: RateLimitRequest): void {
    events?.emit({ type: 'RATE_LIMITED', tenantId, userId, limits: violated, tier })
  }

  function decided(question: Question, reply: StoreReply, mode: LimiterMode): RateLimitDecision {
    const { scopes, cost, request, tier } = question
    const decision = decisionOf(reply, mode === 'local' ? question.localScopes() : scopes, cost, tier, mode)
    if (decision.outcome === 'limited') {
      if (mode === 'store') denials.add(scopes, scopeWaits(reply, scopes, cost), cost, decision)
      refused(decision, request)
    }
    return decision
  }

  async function withoutStore(question: Question): Promise<RateLimitDecision> {
    if (down !== 'local') return uncounted(down, question.tier)
    return decided(question, await local.decide(question.localScopes(), question.cost), 'local')
  }

  function check(request: RateLimitRequest): Promise<RateLimitDecision> {
    const question = book.question(request)
    // A store in this process answers as fast as the memory of refusals, so only `blocked` uses that memory then.
    const known = store.inProcess ? undefined : denials.find(question.scopes, question.cost)
    if (known !== undefined) {
      onDecision?.(known, request)
      return Promise.resolve(known)
    }
    const answer = guarded.decide(question.scopes, question.cost).then(
      (reply) => decided(question, reply, 'store'),
      () => withoutStore(question),
    )
    if (onDecision === undefined) return answer
    return answer.then((decision) => {
      onDecision(decision, request)
      return decision
    })
  }

  async function tierFor(tenantId: string, given: string | undefined): Promise<string> {
    if (given !== undefined) return given
    const looked = await tierOf?.(tenantId)
    if (looked !== undefined) return looked
    const current = tryGetCurrentTenant()
    return current?.tenantId === tenantId ? current.tier : ''
  }

  function report(action: string, tenantId: string, reason: string): void {
    events?.emit({ type: 'SENSITIVE_ACTION', action, tenantId, userId: tryGetCurrentTenant()?.userId })
    logger.info({ action, tenantId, reason }, 'A tenant’s rate limits were changed by hand.')
  }

  return {
    get mode() {
      return guarded.up ? 'store' : down
    },
    upgradeUrl: settings.upgradeUrl,
    check,
    async consume(request) {
      const decision = await check(request)
      if (decision.outcome === 'admitted') return decision
      if (decision.outcome === 'limited') throw limitExceeded(decision, settings.upgradeUrl)
      throw new DependencyUnavailableError('The store of rate limits does not answer.', { details: { decision } })
    },
    blocked(request) {
      if (denials.empty) return undefined
      const question = book.question(request)
      const known = denials.find(question.scopes, question.cost)
      if (known === undefined || store.refuses?.(question.scopes, question.cost) === false) return undefined
      // With a store in this process, each refusal is reported, as `check` does. With a shared store, a remembered refusal was reported
      // once already.
      if (store.inProcess) refused(known, request)
      onDecision?.(known, request)
      return known
    },
    enter: (request) => inFlight.enter(request),
    crowded: (request) => inFlight.refusal(request),
    async usage(tenantId, { tier, userId } = {}) {
      const question = book.question({ tenantId, tier: await tierFor(tenantId, tier), userId })
      const { reply, mode } = await guarded.decide(question.scopes, 0).then(
        (reply) => ({ reply, mode: 'store' as const }),
        async () => ({ reply: await local.decide(question.localScopes(), 0), mode: down }),
      )
      const scopes = mode === 'store' ? question.scopes : question.localScopes()
      const { limits } = decisionOf(reply, scopes, 0, question.tier, mode)
      const override = reply.scopes[0]?.override
      return {
        tenantId,
        tier: question.tier,
        limits: limits.map((state) => ({ ...state, used: state.limit - state.remaining })),
        ...(override === undefined ? {} : { override: describeOverride(override) }),
        mode,
      }
    },
    async reset(tenantId, options) {
      const reason = readReason(options, 'reset(tenantId, options)')
      const keys = [tenantKey(tenantId), ...book.routeKeys(tenantId)]
      if (options.userId !== undefined) keys.push(userKey(tenantId, options.userId))
      await Promise.all([guarded.change((shared) => shared.reset(keys)), local.reset(keys)])
      denials.clear()
      report('rate-limit.reset', tenantId, reason)
    },
    async override(tenantId, limits, options) {
      const { reason, expiresInSeconds } = readOverrideOptions(options)
      const parsed = limits === null ? undefined : plainTierLimitsSchema.safeParse(limits)
      if (parsed?.success === false) {
        throw new ConfigurationError(`override(tenantId, limits): limits ${parsed.error.issues[0]?.message}.`)
      }
      const override: Override | undefined =
        parsed === undefined
          ? undefined
          : {
              limits: toLimits(parsed.data),
              untilSeconds: expiresInSeconds === undefined ? 0 : Math.ceil(Date.now() / 1000) + expiresInSeconds,
            }
      await guarded.change((shared) => shared.override(tenantKey(tenantId), override))
      denials.clear()
      report(override === undefined ? 'rate-limit.override-ended' : 'rate-limit.override', tenantId, reason)
    },
    setTier: book.setTier,
    ready: ({ timeoutMs = 5000 } = {}) => guarded.ready(timeoutMs),
    ping: () => guarded.ping(),
    async close() {
      await store.close()
      await local.close()
    },
  }
}

function describeOverride({ limits, untilSeconds }: Override): { limits: TierLimits; until: Date | undefined } {
  return {
    limits: { requestsPerMinute: limits.perMinute, requestsPerDay: limits.perDay, burstSize: limits.burst },
    until: untilSeconds === 0 ? undefined : new Date(untilSeconds * 1000),
  }
}
