import type { Counters } from './bucket.ts'
import type { Limits } from './limits.ts'

/** A tenant, user or route whose requests are counted under `key`. All scopes of one request belong to the same tenant. */
export interface Scope {
  readonly kind: 'tenant' | 'user' | 'route'
  readonly key: string
  readonly limits: Limits
}

/** Limits that were set for one tenant by hand (`override`), perhaps for a limited time. */
export interface Override {
  readonly limits: Limits
  /** When the override ends, in seconds since 1970. 0: it stays until it is removed. */
  readonly untilSeconds: number
}

/** The state of one scope after a decision. */
export interface ScopeReply {
  /** The counters: after the request if it was admitted, otherwise unchanged. */
  readonly counters: Counters
  /** Present on the tenant's scope if an override applies. The decision was then made with the limits of the override. */
  readonly override?: Override
}

export interface StoreReply {
  readonly admitted: boolean
  /** The store's clock: integer microseconds since 1970. */
  readonly now: number
  /** One reply for each given scope, in the order of the scopes. */
  readonly scopes: readonly ScopeReply[]
}

/**
 * Stores the counters. The first scope of each decision is the scope of the tenant.
 *
 * Every method rejects if the store can't answer. The limiter then follows `onStoreFailure`.
 */
export interface RateLimitStore {
  readonly kind: string
  /** True if the store is in this process, so that no time-out and no breaker are needed. */
  readonly inProcess: boolean
  /**
   * Decides over all scopes atomically: if all scopes admit the request, all are charged; otherwise nothing changes.
   *
   * @param cost 0 looks without charging
   */
  decide(scopes: readonly Scope[], cost: number): Promise<StoreReply>
  /** Whether `decide` would refuse now. Charges nothing. Only stores in this process have it, because only they can answer at once. */
  refuses?(scopes: readonly Scope[], cost: number): boolean
  /** Forgets the counters of these keys; overrides stay. */
  reset(keys: readonly string[]): Promise<void>
  /** Sets the override of the tenant with this key; undefined removes it. */
  override(key: string, override: Override | undefined): Promise<void>
  /** Resolves if the store answers. */
  ping(): Promise<void>
  /** Opens a new connection, because the current one had time-outs or leads to a replica. */
  refresh?(): void
  close(): Promise<void>
}
