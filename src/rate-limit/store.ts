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
  /** Seconds since 1970; 0: until it is taken back. */
  readonly untilSeconds: number
}

/** The state of one scope after a decision. */
export interface ScopeReply {
  /** After the request where it was admitted, else as it stands. */
  readonly counters: Counters
  /** Present on the tenant's scope where an override is in force; its limits were the ones that decided. */
  readonly override?: Override
}

export interface StoreReply {
  readonly admitted: boolean
  /** The store's clock: integer microseconds since 1970. */
  readonly now: number
  /** One for each scope asked for, in the same order. */
  readonly scopes: readonly ScopeReply[]
}

/**
 * Stores the counters. The first scope of each decision is the tenant's.
 *
 * Every method of it rejects when the store can't answer; the limiter decides what then happens.
 */
export interface RateLimitStore {
  readonly kind: string
  /** True where answers come from this process alone: no time-out and no breaker are needed. */
  readonly inProcess: boolean
  /**
   * Decides over all scopes atomically: either each of them admits, and all are charged, or nothing changes.
   *
   * @param cost 0 looks without charging
   */
  decide(scopes: readonly Scope[], cost: number): Promise<StoreReply>
  /** Forgets the counters of these keys; overrides stay. */
  reset(keys: readonly string[]): Promise<void>
  /** Sets or (undefined) takes back the override of the tenant with this key. */
  override(key: string, override: Override | undefined): Promise<void>
  /** Resolves where the store answers. */
  ping(): Promise<void>
  /** The connection is suspect (time-outs, a replica): begin again with a new one. */
  refresh?(): void
  close(): Promise<void>
}
