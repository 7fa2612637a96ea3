// Not `import { hash }`: a Node.js without crypto.hash() would fail with a SyntaxError before we can report that it is too old.
import crypto from 'node:crypto'

/** One verified token and when it may be used. */
export interface CacheEntry<T> {
  readonly value: T
  readonly issuer: string
  readonly tenantClaim: string
  readonly tokenId: string | undefined
  readonly notBeforeMs: number
  readonly expiresAtMs: number
}

interface Slot<T> extends CacheEntry<T> {
  readonly untilMs: number
}

interface TokenCacheSettings {
  readonly maxEntries: number
  readonly ttlMs: number
  readonly toleranceMs: number
  readonly now: () => number
}

/**
 * A cache of verified tokens. Its keys are the SHA-256 of the tokens; the tokens themselves are not kept. Refused tokens are not cached,
 * because a flood of bad tokens would push out the good ones.
 *
 * If a tenant, issuer or token is dropped, verifications that are running at that moment are not stored either: they began in an older
 * generation.
 */
export class TokenCache<T> {
  readonly #slots = new Map<string, Slot<T>>()
  readonly #byTenant = new Map<string, Set<string>>()
  /** The tenant's id for each claim that has entries, once the directory has told it. */
  readonly #idOfClaim = new Map<string, string>()
  readonly #settings: TokenCacheSettings
  #generation = 0

  constructor(settings: TokenCacheSettings) {
    this.#settings = settings
  }

  get size(): number {
    return this.#slots.size
  }

  get generation(): number {
    return this.#generation
  }

  /** The key under which a token is cached. A token consists of ASCII characters, so the encoding of the hashed text does not matter. */
  keyOf(token: string): string {
    return crypto.hash('sha256', token, 'base64')
  }

  /** The entry, if it has not expired. Each call compares with the clock. */
  get(key: string): CacheEntry<T> | undefined {
    const slot = this.#slots.get(key)
    if (slot === undefined) return undefined
    const { now, toleranceMs } = this.#settings
    const time = now()
    if (time >= slot.untilMs || time >= slot.expiresAtMs + toleranceMs) {
      this.#remove(key, slot)
      return undefined
    }
    if (time + toleranceMs < slot.notBeforeMs) return undefined
    // A Map keeps insertion order, so the first key is the least recently used.
    this.#slots.delete(key)
    this.#slots.set(key, slot)
    return slot
  }

  /** Stores a verified token, unless something was dropped since its verification began. */
  set(key: string, entry: CacheEntry<T>, generation: number): void {
    const { maxEntries, ttlMs, now } = this.#settings
    if (maxEntries === 0 || generation !== this.#generation) return
    const previous = this.#slots.get(key)
    if (previous !== undefined) this.#remove(key, previous)
    this.#slots.set(key, { ...entry, untilMs: Math.min(entry.expiresAtMs, now() + ttlMs) })
    const keys = this.#byTenant.get(entry.tenantClaim)
    if (keys === undefined) this.#byTenant.set(entry.tenantClaim, new Set([key]))
    else keys.add(key)
    if (this.#slots.size <= maxEntries) return
    const [oldest] = this.#slots
    if (oldest !== undefined) this.#remove(oldest[0], oldest[1])
  }

  /** Remembers the tenant id of a claim, so that the tenant can also be dropped by its id. */
  nameTenant(tenantClaim: string, tenantId: string): void {
    if (this.#byTenant.has(tenantClaim)) this.#idOfClaim.set(tenantClaim, tenantId)
  }

  /** @param claimOrId the raw claim, or the id that was passed to {@link nameTenant} */
  dropTenant(claimOrId: string): void {
    this.#generation++
    const claims = [...this.#idOfClaim].filter(([, id]) => id === claimOrId).map(([claim]) => claim)
    for (const claim of new Set([claimOrId, ...claims])) {
      for (const key of this.#byTenant.get(claim) ?? []) this.#slots.delete(key)
      this.#forgetClaim(claim)
    }
  }

  dropIssuer(issuer: string): void {
    this.#dropWhere((slot) => slot.issuer === issuer)
  }

  dropTokenId(tokenId: string): void {
    this.#dropWhere((slot) => slot.tokenId === tokenId)
  }

  clear(): void {
    this.#generation++
    this.#slots.clear()
    this.#byTenant.clear()
    this.#idOfClaim.clear()
  }

  #dropWhere(drop: (slot: Slot<T>) => boolean): void {
    this.#generation++
    for (const [key, slot] of this.#slots) if (drop(slot)) this.#remove(key, slot)
  }

  #remove(key: string, slot: Slot<T>): void {
    this.#slots.delete(key)
    const keys = this.#byTenant.get(slot.tenantClaim)
    keys?.delete(key)
    if (keys?.size === 0) this.#forgetClaim(slot.tenantClaim)
  }

  #forgetClaim(claim: string): void {
    this.#byTenant.delete(claim)
    this.#idOfClaim.delete(claim)
  }
}
