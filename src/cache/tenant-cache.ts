import { internalsOf } from '../context/frame.ts'
import { getCurrentTenant } from '../context/run-with-tenant.ts'
import { tenantStore } from '../context/store.ts'
import { ConfigurationError, InvalidInputError } from '../errors.ts'
import type { SecurityEvents } from '../events/security-events.ts'
import type { Logger } from '../logger/logger.ts'
import { type CacheSubject, openValue, sealValue, storeKey } from './sealed-value.ts'
import { type CacheLibrary, storeOn } from './store.ts'

/** Options of {@link createTenantCache} and `wall.tenantCache`. */
export interface TenantCacheOptions {
  /** Names the cache in the store; default `cache`. Caches with other names do not read each other's values. */
  readonly name?: string | undefined
  /** How long a value is valid, in milliseconds; default 60_000. After that time it is invalid, even if the store still keeps it. */
  readonly ttlMs?: number | undefined
  /**
   * Who shares a value: all users of a tenant (`tenant`, the default), or one user (`user`). Choose `user` if the value depends on the
   * user's roles.
   */
  readonly sharedBy?: 'tenant' | 'user' | undefined
  /** Maximum size in bytes of the text that is stored for a value (base64url, with a MAC); default 1_048_576. A larger value is not stored. */
  readonly maxValueBytes?: number | undefined
}

/** The parts of a cache that the application does not choose. */
export interface TenantCacheParts {
  /** The keys of the MAC, the current one first. */
  readonly keys: () => Promise<readonly Uint8Array[]>
  readonly logger?: Logger | undefined
  readonly events?: SecurityEvents | undefined
  readonly now?: (() => number) | undefined
}

/**
 * A cache whose values belong to the tenant of the context in which they were stored.
 *
 * All methods throw {@link TenantContextMissingError} `PARTYWALL_CONTEXT_MISSING` outside a tenant context. If the tenant was
 * suspended or the token revoked while the request ran, all methods throw the error that stopped the request.
 */
export interface TenantCache {
  /**
   * Returns the value that this tenant stored under this key. Undefined if there is none, or if it has expired. Also undefined if the store
   * has a text that was not written for this tenant and key; `get` then removes the text and emits CROSS_TENANT_ACCESS_ATTEMPT.
   */
  get<T = unknown>(key: string): Promise<T | undefined>
  /**
   * Stores a value that `structuredClone()` could copy.
   *
   * @throws {InvalidInputError} `PARTYWALL_INVALID_INPUT` for a value that `structuredClone()` can't copy, such as a function
   */
  set(key: string, value: unknown, options?: { readonly ttlMs?: number | undefined }): Promise<void>
  delete(key: string): Promise<void>
  /** Returns the stored value. If there is none, calls `make`, stores its result and returns it; `undefined` is not stored. */
  wrap<T>(key: string, make: () => Promise<T>, options?: { readonly ttlMs?: number | undefined }): Promise<T>
}

/** Minimum time between two log lines about a store that fails, in milliseconds. */
const WARN_EVERY_MS = 10_000

/**
 * Makes a cache on a store that several tenants and processes may share.
 *
 * The key in the store contains a hash of the tenant, and each text carries a MAC over the cache's name, tenant, user, key, expiry and
 * value. So one tenant never reads a value of another, even if somebody copies, moves or changes texts in the store. The values are not
 * encrypted.
 *
 * If the store fails, the cache treats it as empty and logs the failure.
 *
 * @throws {ConfigurationError} `PARTYWALL_CONFIGURATION` for an unknown kind of store or an option that is not valid
 */
export function createTenantCache(
  library: CacheLibrary,
  parts: TenantCacheParts,
  options: TenantCacheOptions = {},
): TenantCache {
  const store = storeOn(library)
  const settings = checkOptions(options)
  const { keys, logger, now = Date.now } = parts
  let warnedAt = Number.NEGATIVE_INFINITY

  async function ask<T>(work: () => T | Promise<T>): Promise<T | undefined> {
    try {
      return await work()
    } catch (error) {
      if (now() - warnedAt >= WARN_EVERY_MS) {
        warnedAt = now()
        logger?.warn({ error: String(error) }, 'the store of a tenant cache failed: it is treated as empty')
      }
      return undefined
    }
  }

  async function secret(): Promise<Uint8Array> {
    const [current] = await keys()
    if (current === undefined) throw new ConfigurationError('tenantCache(): there is no key. Configure seal.secret.')
    return current
  }

  const cache: TenantCache = {
    async get<T>(key: string) {
      const subject = subjectHere(key, settings)
      const current = await secret()
      const place = storeKey(current, subject)
      const text = await ask(() => store.get(place))
      if (text === undefined || text === null) return undefined
      const opened = openValue(current, subject, text, now())
      // The MAC proves that this tenant stored the value under this key. The value's type is not checked: the caller chooses T.
      if (typeof opened === 'object') return opened.value as T
      if (opened === 'forged') report(subject, parts.events)
      await ask(() => store.delete(place))
      return undefined
    },
    async set(key, value, { ttlMs = settings.ttlMs } = {}) {
      const subject = subjectHere(key, settings)
      const ttl = checkTtl(ttlMs)
      const current = await secret()
      const text = sealOrRefuse(current, subject, value, now() + ttl)
      if (text.length > settings.maxValueBytes) return
      await ask(() => store.set(storeKey(current, subject), text, ttl))
    },
    async delete(key) {
      const subject = subjectHere(key, settings)
      const current = await secret()
      await ask(() => store.delete(storeKey(current, subject)))
    },
    async wrap<T>(key: string, make: () => Promise<T>, given?: { readonly ttlMs?: number | undefined }) {
      const known = await cache.get<T>(key)
      if (known !== undefined) return known
      const made = await make()
      if (made !== undefined) await cache.set(key, made, given)
      return made
    },
  }
  return Object.freeze(cache)
}

interface Settings {
  readonly name: string
  readonly ttlMs: number
  readonly sharedBy: 'tenant' | 'user'
  readonly maxValueBytes: number
}

function checkOptions({
  name = 'cache',
  ttlMs = 60_000,
  sharedBy = 'tenant',
  maxValueBytes = 1_048_576,
}: TenantCacheOptions): Settings {
  if (!/^[\w-]{1,64}$/.test(name))
    throw new ConfigurationError('tenantCache({ name }): name must have 1 to 64 letters, digits, _ or -.')
  if (sharedBy !== 'tenant' && sharedBy !== 'user')
    throw new ConfigurationError("tenantCache({ sharedBy }): sharedBy must be 'tenant' or 'user'.")
  if (!Number.isInteger(maxValueBytes) || maxValueBytes < 1)
    throw new ConfigurationError('tenantCache({ maxValueBytes }): maxValueBytes must be a positive whole number.')
  return { name, ttlMs: checkTtl(ttlMs), sharedBy, maxValueBytes }
}

function checkTtl(ttlMs: number): number {
  if (Number.isInteger(ttlMs) && ttlMs > 0) return ttlMs
  throw new ConfigurationError('tenantCache({ ttlMs }): ttlMs must be a positive whole number of milliseconds.')
}

function subjectHere(key: string, { name, sharedBy }: Settings): CacheSubject {
  const { tenantId, userId } = getCurrentTenant()
  const frame = tenantStore.getStore()
  const stop = frame === undefined ? undefined : internalsOf(frame).stopped?.()
  if (stop !== undefined) throw stop
  if (typeof key !== 'string') throw new InvalidInputError('The key of a tenant cache must be a string.')
  return { name, tenantId, userId: sharedBy === 'user' ? userId : '', key }
}

function sealOrRefuse(secret: Uint8Array, subject: CacheSubject, value: unknown, expiresAt: number): string {
  try {
    return sealValue(secret, subject, value, expiresAt)
  } catch (cause) {
    throw new InvalidInputError('A tenant cache can’t store this value. structuredClone() must be able to copy it.', {
      cause,
    })
  }
}

/** Emits CROSS_TENANT_ACCESS_ATTEMPT: a text has a wrong MAC, so somebody changed it or copied it from another tenant or key. */
function report({ tenantId }: CacheSubject, given: SecurityEvents | undefined): void {
  const frame = tenantStore.getStore()
  const events = given ?? (frame === undefined ? undefined : internalsOf(frame).events)
  const { userId, requestId } = getCurrentTenant()
  events?.emit({
    type: 'CROSS_TENANT_ACCESS_ATTEMPT',
    source: 'cache',
    tenantId,
    userId,
    requestId,
    reason: 'a cached value was moved or changed in the store',
  })
}
