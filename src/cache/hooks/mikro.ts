import type { TenantCache } from '../tenant-cache.ts'

interface CacheAdapter {
  get<T>(name: string): Promise<T | undefined>
  set(name: string, data: unknown, origin: string, expiration?: number): Promise<void>
  remove(name: string): Promise<void>
  clear(): Promise<void>
}

/**
 * MikroORM's result cache on a tenant cache: `MikroORM.init({ …, resultCache: mikroCache(cache) })`.
 *
 * MikroORM's own adapter uses the name of the query, or its SQL, as the key, and these are equal for all tenants.
 */
export function mikroCache(cache: TenantCache): { readonly adapter: new () => CacheAdapter } {
  class TenantCacheAdapter implements CacheAdapter {
    get<T>(name: string): Promise<T | undefined> {
      return cache.get<T>(name)
    }

    set(name: string, data: unknown, _origin: string, expiration?: number): Promise<void> {
      return cache.set(name, data, expiration === undefined ? {} : { ttlMs: Math.max(1, Math.ceil(expiration)) })
    }

    remove(name: string): Promise<void> {
      return cache.delete(name)
    }

    clear(): Promise<void> {
      return Promise.reject(new Error('mikroCache(): clear() is not possible. Use em.clearCache(name).'))
    }
  }
  return { adapter: TenantCacheAdapter }
}
