import { placementProblem } from '../context/placement.ts'
import { DependencyUnavailableError, isPartywallError } from '../errors.ts'
import type { SecurityEvents } from '../events/security-events.ts'
import { type Breaker, createBreaker } from '../resilience/breaker.ts'
import { BoundedMap } from './bounded-map.ts'
import { Invalidations } from './invalidations.ts'
import { isActive, type Tenant, type TenantDirectory, type TenantLookup } from './tenant.ts'
import { TenantCache } from './tenant-cache.ts'
import { tenantHash } from './tenant-hash.ts'

/** Options of {@link createTenantDirectory}. */
export interface TenantDirectoryOptions {
  /** Finds a tenant by a claim that is not in the cache. */
  readonly findByClaim: TenantLookup
  /** Looks a tenant up by its canonical id. Without it, `findByClaim` is called with the id. */
  readonly findById?: TenantLookup | undefined
  /** How long a cached answer is used, in milliseconds; default 60_000. */
  readonly ttlMs?: number | undefined
  /** Replaces `ttlMs` while no change notifications are received ({@link CachedTenantDirectory.setListening}); default 5_000. */
  readonly unheardTtlMs?: number | undefined
  /** How long the cached answer "no such tenant" is used; default 5_000. */
  readonly negativeTtlMs?: number | undefined
  /** Maximum number of tenants in the cache. The same maximum applies separately to unknown claims. Default 10_000. */
  readonly maxEntries?: number | undefined
  /** How long one lookup may take; default 5_000. */
  readonly timeoutMs?: number | undefined
  /** Called once per change for each tenant that is no longer active or no longer exists. */
  readonly onInactive?: ((tenant: { readonly id: string; readonly key: string }) => void) | undefined
  /** Called for each invalidation, also of tenants that are not in the cache. Gets the tenant's hash, or undefined for all tenants. */
  readonly onInvalidated?: ((hash: string | undefined) => void) | undefined
  readonly events?: SecurityEvents | undefined
  readonly now?: (() => number) | undefined
}

/** The directory with its cache, and the functions that empty the cache. */
export interface CachedTenantDirectory extends TenantDirectory {
  /** Removes a tenant with this canonical id from the cache and reads it again. Without an id, removes all tenants. */
  invalidate(id?: string): void
  /** Invalidates the tenant with this hash, which a notification contains. */
  invalidateHash(hash: string): void
  /**
   * Tells the directory whether notifications of changes are received. Without notifications, cached answers are used for `unheardTtlMs`.
   */
  setListening(listening: boolean): void
  /** The last known tenant of the claim, even if the cached answer has expired. It may be used to refuse a request, never to admit one. */
  peek(claim: string): Tenant | undefined
  /**
   * Reads a tenant again: by its id, or, if there is no `findById`, by the claim under which it was last found.
   *
   * @throws {DependencyUnavailableError} `PARTYWALL_DEPENDENCY_UNAVAILABLE` if the lookup fails now
   */
  readAgain(id: string): Promise<Tenant | undefined>
  /** Whether the last answer to a claim of this tenant said that it may not work. */
  isKnownInactive(id: string): boolean
  /** Whether notifications of changes are received now. */
  readonly listening: boolean
  readonly breaker: Breaker['state']
}

/** After this many answers in a row that were outdated when they arrived, a request is refused. */
const ATTEMPTS = 25
const CHANGING = 'The tenant changed each time it was looked up.'

/**
 * A directory with a bounded cache, one lookup at a time per claim, and a breaker.
 *
 * An answer to a lookup that began before an invalidation is discarded, and the lookup is repeated.
 */
export function createTenantDirectory(options: TenantDirectoryOptions): CachedTenantDirectory {
  return new LookedUpDirectory(options)
}

/** The functions are fields, so that callers can pass them as callbacks without binding them. */
class LookedUpDirectory implements CachedTenantDirectory {
  readonly #options: TenantDirectoryOptions
  readonly #breaker: Breaker
  readonly #cache: TenantCache
  readonly #flights = new Map<string, Promise<Tenant | undefined>>()
  readonly #invalidations: Invalidations
  /** Tenants whose last answer said that they may not work. */
  readonly #inactive: BoundedMap<string, true>

  constructor(options: TenantDirectoryOptions) {
    const { maxEntries = 10_000 } = options
    this.#options = options
    this.#breaker = createBreaker({
      dependency: 'tenant directory',
      timeoutMs: options.timeoutMs ?? 5_000,
      events: options.events,
    })
    this.#cache = new TenantCache(options)
    this.#invalidations = new Invalidations(maxEntries)
    this.#inactive = new BoundedMap(maxEntries)
  }

  readonly findByClaim = async (claim: string): Promise<Tenant | undefined> => {
    const found = this.#cache.fresh(claim)
    if (found === 'unknown') return undefined
    return found ?? this.#lookup(claim, this.#cache.peek(claim))
  }

  readonly findById = (id: string): Promise<Tenant | undefined> => {
    return this.#readById(id, id)
  }

  readonly readAgain = (id: string): Promise<Tenant | undefined> => {
    return this.#readById(id, this.#options.findById === undefined ? (this.#cache.claimOf(id) ?? id) : id)
  }

  readonly invalidate = (id?: string): void => {
    if (id !== undefined) {
      this.invalidateHash(tenantHash(id))
      return
    }
    this.#invalidations.addAll()
    this.#cache.clear()
    this.#options.onInvalidated?.(undefined)
  }

  readonly invalidateHash = (hash: string): void => {
    this.#invalidations.add(hash)
    for (const { claim, tenant } of this.#cache.forgetHash(hash)) {
      // Look the tenant up at once: running work of a suspended tenant must end even if no further request comes.
      this.#lookup(claim, tenant).catch(() => {}) // the next request asks again and gets the error
    }
    this.#options.onInvalidated?.(hash)
  }

  readonly setListening = (listening: boolean): void => {
    this.#cache.heard = listening
  }

  readonly peek = (claim: string): Tenant | undefined => {
    return this.#cache.peek(claim)
  }

  readonly isKnownInactive = (id: string): boolean => {
    return this.#inactive.get(id) === true
  }

  get listening(): boolean {
    return this.#cache.heard
  }

  get breaker(): Breaker['state'] {
    return this.#breaker.state
  }

  #lookup(claim: string, before: Tenant | undefined): Promise<Tenant | undefined> {
    const running = this.#flights.get(claim)
    if (running !== undefined) return running
    const answer = this.#read(claim, before).finally(() => {
      if (this.#flights.get(claim) === answer) this.#flights.delete(claim)
    })
    this.#flights.set(claim, answer)
    return answer
  }

  async #read(claim: string, before: Tenant | undefined): Promise<Tenant | undefined> {
    for (let attempt = 0; attempt < ATTEMPTS; attempt++) {
      const mark = this.#invalidations.now
      const tenant = check(await this.#ask(this.#options.findByClaim, claim), claim)
      if (this.#invalidations.outdated(tenant === undefined ? undefined : tenantHash(tenant.id), mark)) continue
      this.#cache.remember(claim, tenant)
      this.#tellInactive(claim, tenant, before)
      return tenant
    }
    throw new DependencyUnavailableError(CHANGING)
  }

  async #readById(id: string, value: string): Promise<Tenant | undefined> {
    const { findByClaim, findById = findByClaim } = this.#options
    for (let attempt = 0; attempt < ATTEMPTS; attempt++) {
      const mark = this.#invalidations.now
      const tenant = await this.#ask(findById, value)
      if (this.#invalidations.outdated(tenantHash(id), mark)) continue
      return tenant === undefined || tenant.id !== id ? undefined : checkShape(tenant)
    }
    throw new DependencyUnavailableError(CHANGING)
  }

  #tellInactive(claim: string, tenant: Tenant | undefined, before: Tenant | undefined): void {
    const { onInactive } = this.#options
    const id = tenant?.id ?? before?.id
    if (id === undefined) return
    if (isActive(tenant)) {
      this.#inactive.delete(id)
      // The claim now names another tenant, so work that was admitted for the previous tenant must stop.
      if (before !== undefined && before.id !== tenant.id) onInactive?.({ id: before.id, key: claim })
      return
    }
    if (this.#inactive.get(id) === true) return
    this.#inactive.set(id, true)
    onInactive?.({ id, key: claim })
  }

  async #ask(lookup: TenantLookup, value: string): Promise<Tenant | undefined> {
    try {
      return await this.#breaker.run(() => lookup(value))
    } catch (error) {
      if (isPartywallError(error) && error.status === 503) throw error
      throw new DependencyUnavailableError('The tenant directory could not be asked.', { cause: error })
    }
  }
}

function check(tenant: Tenant | undefined, key: string): Tenant | undefined {
  if (tenant === undefined || tenant === null) return undefined
  const checked = checkShape(tenant)
  if (checked.key !== undefined && checked.key !== key) {
    throw new DependencyUnavailableError('The tenant directory answered with another tenant than it was asked for.')
  }
  return checked
}

function checkShape(tenant: Tenant): Tenant {
  for (const part of [tenant.id, tenant.status, tenant.tier]) {
    if (typeof part === 'string' && part !== '') continue
    throw new DependencyUnavailableError('The tenant directory answered without id, status and tier.')
  }
  const { placement, ...rest } = tenant
  if (placement === undefined || placement === null) return Object.freeze(rest)
  const problem = placementProblem(placement)
  if (problem !== undefined)
    throw new DependencyUnavailableError(`The tenant directory answered with a wrong placement: it ${problem}.`)
  return Object.freeze({ ...rest, placement: Object.freeze({ schema: placement.schema }) })
}
