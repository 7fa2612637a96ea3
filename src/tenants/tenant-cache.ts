import { BoundedMap } from './bounded-map.ts'
import type { Tenant } from './tenant.ts'
import { tenantHash } from './tenant-hash.ts'

/** Durations in milliseconds. */
interface TenantCacheOptions {
  readonly ttlMs?: number | undefined
  readonly unheardTtlMs?: number | undefined
  readonly negativeTtlMs?: number | undefined
  readonly maxEntries?: number | undefined
  readonly now?: (() => number) | undefined
}

interface Entry {
  readonly tenant: Tenant
  readonly hash: string
  readonly readAt: number
}

/** Caches tenants by the claim that names them, limited in number and age. Also caches claims that name no tenant. */
export class TenantCache {
  /** Whether notifications of changes are received. Without notifications, answers are used for `unheardTtlMs`. */
  heard = true
  readonly #ttlMs: number
  readonly #unheardTtlMs: number
  readonly #negativeTtlMs: number
  readonly #maxEntries: number
  readonly #now: () => number
  readonly #known: BoundedMap<string, Entry>
  /** Claims that name no tenant, with the time when the directory said so. */
  readonly #unknown: BoundedMap<string, number>
  readonly #claimsByHash = new Map<string, Set<string>>()
  readonly #claimsById: BoundedMap<string, string>

  constructor(options: TenantCacheOptions) {
    const { ttlMs = 60_000, unheardTtlMs = 5_000, negativeTtlMs = 5_000, maxEntries = 10_000, now = Date.now } = options
    this.#ttlMs = ttlMs
    this.#unheardTtlMs = Math.min(ttlMs, unheardTtlMs)
    this.#negativeTtlMs = negativeTtlMs
    this.#maxEntries = maxEntries
    this.#now = now
    this.#known = new BoundedMap(maxEntries)
    this.#unknown = new BoundedMap(maxEntries)
    this.#claimsById = new BoundedMap(maxEntries)
  }

  /** Returns an answer that is new enough to admit a request; undefined if the directory must be asked. */
  fresh(claim: string): Tenant | 'unknown' | undefined {
    const entry = this.#known.get(claim)
    if (entry !== undefined && this.#now() - entry.readAt < (this.heard ? this.#ttlMs : this.#unheardTtlMs))
      return entry.tenant
    const since = this.#unknown.get(claim)
    return since !== undefined && this.#now() - since < this.#negativeTtlMs ? 'unknown' : undefined
  }

  /** The last known tenant of the claim, however old the answer is. */
  peek(claim: string): Tenant | undefined {
    return this.#known.get(claim)?.tenant
  }

  /** The claim under which a tenant was last found. */
  claimOf(id: string): string | undefined {
    return this.#claimsById.get(id)
  }

  remember(claim: string, tenant: Tenant | undefined): void {
    this.#forget(claim)
    if (tenant === undefined) {
      this.#unknown.set(claim, this.#now())
      return
    }
    const hash = tenantHash(tenant.id)
    this.#claimsById.set(tenant.id, claim)
    this.#known.set(claim, { tenant, hash, readAt: this.#now() })
    const claims = this.#claimsByHash.get(hash) ?? new Set()
    claims.add(claim)
    this.#claimsByHash.set(hash, claims)
    if (this.#claimsByHash.size > 2 * this.#maxEntries) this.#dropEvicted()
  }

  /** Forgets the tenant with this hash. Also forgets all claims that named no tenant, because the tenant may be new. */
  forgetHash(hash: string): readonly { readonly claim: string; readonly tenant: Tenant | undefined }[] {
    this.#unknown.clear()
    return [...(this.#claimsByHash.get(hash) ?? [])].map((claim) => {
      const tenant = this.peek(claim)
      this.#forget(claim)
      return { claim, tenant }
    })
  }

  clear(): void {
    this.#known.clear()
    this.#unknown.clear()
    this.#claimsByHash.clear()
  }

  #forget(claim: string): void {
    const entry = this.#known.get(claim)
    if (entry !== undefined) {
      const claims = this.#claimsByHash.get(entry.hash)
      claims?.delete(claim)
      if (claims?.size === 0) this.#claimsByHash.delete(entry.hash)
    }
    this.#known.delete(claim)
    this.#unknown.delete(claim)
  }

  /** Removes the hashes of entries that the cache has evicted because it was full. Runs only when there are many such hashes. */
  #dropEvicted(): void {
    const kept = new Set([...this.#known.entries()].map(([claim]) => claim))
    for (const [hash, claims] of this.#claimsByHash) {
      for (const claim of claims) if (!kept.has(claim)) claims.delete(claim)
      if (claims.size === 0) this.#claimsByHash.delete(hash)
    }
  }
}
