import { DependencyUnavailableError, isPartywallError } from '../errors.ts'
import type { SecurityEvents } from '../events/security-events.ts'
import { type Breaker, createBreaker } from '../resilience/breaker.ts'
import { BoundedMap } from './bounded-map.ts'
import { Invalidations } from './invalidations.ts'
import { isActive, type Tenant, type TenantDirectory, type TenantLookup } from './tenant.ts'
import { tenantHash } from './tenant-hash.ts'

/** What {@link createTenantDirectory} takes. */
export interface TenantDirectoryOptions {
  /** Asked for a claim that the cache does not know. */
  readonly findByClaim: TenantLookup
  /** Asked for a canonical id; left out: claims are ids. */
  readonly findById?: TenantLookup | undefined
  /** How long an answer is used; default 60_000. */
  readonly ttlMs?: number | undefined
  /** The same while changes may go unheard ({@link CachedTenantDirectory.setListening}); default 5_000. */
  readonly unheardTtlMs?: number | undefined
  /** How long "no such tenant" is used; default 5_000. */
  readonly negativeTtlMs?: number | undefined
  /** Tenants in the cache, and as many unknown claims; default 10_000. */
  readonly maxEntries?: number | undefined
  /** How long one lookup may take; default 5_000. */
  readonly timeoutMs?: number | undefined
  /** Told of each tenant that an answer shows as not active (or gone), once per change. */
  readonly onInactive?: ((tenant: { readonly id: string; readonly key: string }) => void) | undefined
  /** Told of each invalidation: the tenant's hash, undefined for all. Work may be under way for tenants that the cache does not know. */
  readonly onInvalidated?: ((hash: string | undefined) => void) | undefined
  readonly events?: SecurityEvents | undefined
  readonly now?: (() => number) | undefined
}

/** The directory with its cache, and the ways to empty it. */
export interface CachedTenantDirectory extends TenantDirectory {
  /** Forgets a tenant by its canonical id and reads it again; without an id forgets all. */
  invalidate(id?: string): void
  /** The same, by the hash that a notification carries. */
  invalidateHash(hash: string): void
  /** Whether changes are heard at once. While they are not, answers live for `unheardTtlMs`. */
  setListening(listening: boolean): void
  /** What was last known of the claim's tenant, also where that would be asked anew: good enough to refuse, never to admit. */
  peek(claim: string): Tenant | undefined
  /**
   * Reads a tenant anew: by its id, or, where the directory knows claims alone, by the claim that it was last found under.
   *
   * @throws {DependencyUnavailableError} `PARTYWALL_DEPENDENCY_UNAVAILABLE` nobody can say now
   */
  readAgain(id: string): Promise<Tenant | undefined>
  /** Whether the last answer about this tenant said that it may not work. */
  isKnownInactive(id: string): boolean
  /** Whether changes are heard at once now. */
  readonly listening: boolean
  readonly breaker: Breaker['state']
}

interface Entry {
  readonly tenant: Tenant
  readonly hash: string
  readonly readAt: number
}

interface Flight {
  readonly mark: number
  readonly answer: Promise<Tenant | undefined>
}

/** Answers that were outdated on arrival, in a row, before a request is refused. */
const ATTEMPTS = 25

/**
 * A directory with a bounded cache, one lookup at a time per claim, and a breaker.
 *
 * An answer that was asked for before an invalidation is neither kept nor given to anybody: it is asked again.
 */
export function createTenantDirectory(options: TenantDirectoryOptions): CachedTenantDirectory {
  const { findByClaim, findById = findByClaim, ttlMs = 60_000, unheardTtlMs = 5_000, negativeTtlMs = 5_000 } = options
  const { maxEntries = 10_000, now = Date.now } = options
  const breaker = createBreaker({
    dependency: 'tenant directory',
    timeoutMs: options.timeoutMs ?? 5_000,
    events: options.events,
  })
  const known = new BoundedMap<string, Entry>(maxEntries)
  const unknown = new BoundedMap<string, number>(maxEntries)
  const keysByHash = new Map<string, Set<string>>()
  const claims = new BoundedMap<string, string>(maxEntries)
  const flights = new Map<string, Flight>()
  const invalidations = new Invalidations(maxEntries)
  const inactive = new BoundedMap<string, true>(maxEntries)
  let listening = true

  function remember(key: string, tenant: Tenant | undefined): void {
    forget(key)
    if (tenant === undefined) {
      unknown.set(key, now())
      return
    }
    const hash = tenantHash(tenant.id)
    claims.set(tenant.id, key)
    known.set(key, { tenant, hash, readAt: now() })
    const keys = keysByHash.get(hash) ?? new Set()
    keys.add(key)
    keysByHash.set(hash, keys)
    if (keysByHash.size > 2 * maxEntries) dropEvicted()
  }

  /** Entries leave the cache by age too; their hashes are swept from time to time. */
  function dropEvicted(): void {
    const kept = new Set([...known.entries()].map(([key]) => key))
    for (const [hash, keys] of keysByHash) {
      for (const key of keys) if (!kept.has(key)) keys.delete(key)
      if (keys.size === 0) keysByHash.delete(hash)
    }
  }

  function forget(key: string): void {
    const entry = known.get(key)
    if (entry !== undefined) {
      const keys = keysByHash.get(entry.hash)
      keys?.delete(key)
      if (keys?.size === 0) keysByHash.delete(entry.hash)
    }
    known.delete(key)
    unknown.delete(key)
  }

  function cached(key: string): Entry | 'unknown' | undefined {
    const entry = known.get(key)
    if (entry !== undefined && now() - entry.readAt < (listening ? ttlMs : Math.min(ttlMs, unheardTtlMs))) return entry
    const since = unknown.get(key)
    return since !== undefined && now() - since < negativeTtlMs ? 'unknown' : undefined
  }

  function tellInactive(key: string, tenant: Tenant | undefined, before: Entry | undefined): void {
    const id = tenant?.id ?? before?.tenant.id
    if (id === undefined) return
    if (isActive(tenant)) {
      inactive.delete(id)
      // The claim names another tenant now: what was verified for the former one must not go on.
      if (before !== undefined && before.tenant.id !== tenant.id) options.onInactive?.({ id: before.tenant.id, key })
      return
    }
    if (inactive.get(id) === true) return
    inactive.set(id, true)
    options.onInactive?.({ id, key })
  }

  async function read(key: string, before: Entry | undefined): Promise<Tenant | undefined> {
    for (let attempt = 0; attempt < ATTEMPTS; attempt++) {
      const mark = invalidations.now
      const tenant = check(await ask(breaker, () => findByClaim(key)), key)
      if (invalidations.outdated(tenant === undefined ? undefined : tenantHash(tenant.id), mark)) continue
      remember(key, tenant)
      tellInactive(key, tenant, before)
      return tenant
    }
    throw new DependencyUnavailableError('The tenant changed each time it was looked up.')
  }

  function lookup(key: string, before: Entry | undefined): Promise<Tenant | undefined> {
    const running = flights.get(key)
    if (running !== undefined) return running.answer
    const answer = read(key, before).finally(() => {
      if (flights.get(key)?.answer === answer) flights.delete(key)
    })
    flights.set(key, { mark: invalidations.now, answer })
    return answer
  }

  function invalidateHash(hash: string): void {
    invalidations.add(hash)
    unknown.clear() // a tenant that nobody knew may be new
    for (const key of [...(keysByHash.get(hash) ?? [])]) {
      const before = known.get(key)
      forget(key)
      // Read at once: running work of a suspended tenant must end although no further request comes.
      lookup(key, before).catch(() => {}) // the next request asks again, and is told
    }
    options.onInvalidated?.(hash)
  }

  async function readById(id: string, value: string): Promise<Tenant | undefined> {
    const tenant = await ask(breaker, () => findById(value))
    return tenant === undefined || tenant.id !== id ? undefined : checkShape(tenant)
  }

  return {
    async findByClaim(value) {
      const found = cached(value)
      if (found === 'unknown') return undefined
      if (found !== undefined) return found.tenant
      return lookup(value, known.get(value))
    },
    findById: (id) => readById(id, id),
    readAgain: (id) => readById(id, options.findById === undefined ? (claims.get(id) ?? id) : id),
    invalidate(id) {
      if (id !== undefined) return invalidateHash(tenantHash(id))
      invalidations.addAll()
      known.clear()
      unknown.clear()
      keysByHash.clear()
      options.onInvalidated?.(undefined)
    },
    invalidateHash,
    setListening(value) {
      listening = value
    },
    peek: (claim) => known.get(claim)?.tenant,
    isKnownInactive: (id) => inactive.get(id) === true,
    get listening() {
      return listening
    },
    get breaker() {
      return breaker.state
    },
  }
}

async function ask<T>(breaker: Breaker, call: () => Promise<T>): Promise<T> {
  try {
    return await breaker.run(call)
  } catch (error) {
    if (isPartywallError(error) && error.status === 503) throw error
    throw new DependencyUnavailableError('The tenant directory could not be asked.', { cause: error })
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
  return Object.freeze({ ...tenant })
}
