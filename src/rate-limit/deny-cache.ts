import type { RateLimitDecision } from './decision.ts'
import type { Limits } from './limits.ts'
import type { Scope } from './store.ts'

interface Denial {
  readonly until: number
  readonly cost: number
  readonly limits: Limits
  readonly decision: RateLimitDecision
}

/**
 * Refusals that are still valid, so that requests of a blocked tenant need not ask the store. The cache can't admit too much: while a scope
 * refuses, its counters can only grow. It keeps a refusal for at most a second, so that a larger tier, an override or a reset takes effect
 * within that time.
 */
interface DenyCache {
  readonly empty: boolean
  find(scopes: readonly Scope[], cost: number): RateLimitDecision | undefined
  add(scopes: readonly Scope[], waitsMicros: readonly number[], cost: number, decision: RateLimitDecision): void
  clear(): void
}

export function createDenyCache(maxMs: number, maxEntries = 10_000, now = () => performance.now()): DenyCache {
  const denials = new Map<string, Denial>()
  return {
    get empty() {
      return denials.size === 0
    },
    find(scopes, cost) {
      if (denials.size === 0) return undefined
      for (let index = 0; index < scopes.length; index++) {
        const scope = scopes[index]
        const denial = scope === undefined ? undefined : denials.get(scope.key)
        if (scope === undefined || denial === undefined) continue
        if (denial.until <= now()) {
          denials.delete(scope.key)
          continue
        }
        // A stored refusal counts only for the same limits, and for requests with at least its cost. After a request of cost 5 was refused,
        // a request of cost 1 may still pass.
        if (cost >= denial.cost && scope.limits === denial.limits) return denial.decision
      }
      return undefined
    },
    add(scopes, waitsMicros, cost, decision) {
      scopes.forEach((scope, index) => {
        const waitMs = Math.min(maxMs, Math.floor((waitsMicros[index] ?? 0) / 1000))
        if (waitMs <= 0) return
        denials.delete(scope.key)
        denials.set(scope.key, { until: now() + waitMs, cost, limits: scope.limits, decision })
        if (denials.size <= maxEntries) return
        for (const oldest of denials.keys()) {
          denials.delete(oldest)
          break
        }
      })
    },
    clear() {
      denials.clear()
    },
  }
}
