import { admit, areAhead, type Counters, DAY_MICROS, settle } from './bucket.ts'
import type { Limits } from './limits.ts'
import type { Override, RateLimitStore, Scope, ScopeReply, StoreReply } from './store.ts'

export interface MemoryStoreOptions {
  /** Maximum number of tenants, users and routes that are remembered. The least recently used one is forgotten first. Default 100_000. */
  readonly maxEntries?: number
  /** Microseconds since 1970; default: the wall clock, which never runs backwards here. */
  readonly nowMicros?: () => number
}

interface Settled {
  readonly scope: Scope
  readonly counters: Counters
  readonly after: Counters | undefined
  readonly override: Override | undefined
  readonly ahead: boolean
}

interface Entry {
  counters: Counters | undefined
  override: Override | undefined
}

/**
 * Counters in this process: for a single process, for tests, and for the limiter while Redis is down.
 *
 * It decides exactly like the Redis store. With several processes, each process admits the full limits.
 */
export function createMemoryStore(options: MemoryStoreOptions = {}): RateLimitStore {
  const { maxEntries = 100_000, nowMicros = monotonicWallClock() } = options
  // A Map keeps the order of insertion. Used entries move to the end, so the first entry is the least recently used one.
  const entries = new Map<string, Entry>()

  function entryOf(key: string): Entry | undefined {
    const entry = entries.get(key)
    if (entry === undefined) return undefined
    entries.delete(key)
    entries.set(key, entry)
    return entry
  }

  function keep(key: string, change: Partial<Entry>): void {
    const entry = entries.get(key)
    if (entry !== undefined) {
      Object.assign(entry, change)
      return
    }
    entries.set(key, { counters: undefined, override: undefined, ...change })
    if (entries.size <= maxEntries) return
    for (const [oldest, candidate] of entries) {
      // Never evict entries that carry a manual override, nor the entry that is just being inserted.
      if (candidate.override !== undefined || oldest === key) continue
      entries.delete(oldest)
      break
    }
  }

  function look(scopes: readonly Scope[], cost: number, now: number): { settled: Settled[]; admitted: boolean } {
    const settled: Settled[] = []
    let admitted = true
    for (const scope of scopes) {
      const entry = entryOf(scope.key)
      const override = scope.kind === 'tenant' ? inForce(entry?.override, now) : undefined
      const limits: Limits = override?.limits ?? scope.limits
      const counters = settle(entry?.counters, limits, now)
      const after = admit(counters, limits, cost, now)
      if (after === undefined) admitted = false
      const ahead = entry?.counters !== undefined && areAhead(entry.counters, limits, now)
      settled.push({ scope, counters, after, override, ahead })
    }
    return { settled, admitted: admitted || cost === 0 }
  }

  function decideNow(scopes: readonly Scope[], cost: number): StoreReply {
    const now = nowMicros()
    const { settled, admitted } = look(scopes, cost, now)
    const replies: ScopeReply[] = settled.map(({ scope, counters, after, override, ahead }) => {
      const current = admitted && cost > 0 && after !== undefined ? after : counters
      if (cost > 0 && (admitted || ahead)) keep(scope.key, { counters: current })
      return override === undefined ? { counters: current } : { counters: current, override }
    })
    return { admitted, now, scopes: replies }
  }

  return {
    kind: 'memory',
    inProcess: true,
    async decide(scopes, cost) {
      return decideNow(scopes, cost)
    },
    refuses: (scopes, cost) => !look(scopes, cost, nowMicros()).admitted,
    async reset(keys) {
      for (const key of keys) {
        const entry = entries.get(key)
        if (entry?.override === undefined) entries.delete(key)
        else entry.counters = undefined
      }
    },
    async override(key, override) {
      keep(key, { override })
    },
    async ping() {},
    async close() {
      entries.clear()
    },
  }
}

function inForce(override: Override | undefined, now: number): Override | undefined {
  if (override === undefined) return undefined
  return override.untilSeconds === 0 || override.untilSeconds * 1_000_000 > now ? override : undefined
}

/**
 * A clock that starts at the wall clock's time and then follows the monotonic clock, so that it never runs backwards. Once a day it adopts
 * the wall clock again.
 */
function monotonicWallClock(): () => number {
  let wallAt = Date.now()
  let monotonicAt = performance.now()
  return () => {
    const elapsed = performance.now() - monotonicAt
    const now = wallAt + elapsed
    if (elapsed * 1000 > DAY_MICROS) {
      wallAt = Math.max(now, Date.now())
      monotonicAt = performance.now()
    }
    return Math.floor(now * 1000)
  }
}
