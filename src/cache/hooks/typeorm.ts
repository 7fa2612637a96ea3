import type { TenantCache } from '../tenant-cache.ts'
import { asTenantHook } from './tenant-hook.ts'

/** The options of TypeORM's cache, as far as the hook uses them. */
interface QueryResultCacheOptions {
  identifier?: string
  time?: number
  duration: number
  query?: string
  result?: unknown
}

interface QueryResultCache {
  connect(): Promise<void>
  disconnect(): Promise<void>
  synchronize(): Promise<void>
  getFromCache(options: QueryResultCacheOptions): Promise<QueryResultCacheOptions | undefined>
  storeInCache(options: QueryResultCacheOptions): Promise<void>
  isExpired(saved: QueryResultCacheOptions): boolean
  clear(): Promise<void>
  remove(identifiers: string[]): Promise<void>
}

/**
 * TypeORM's result cache on a tenant cache: `new DataSource({ …, cache: typeormCache(cache) })`.
 *
 * TypeORM's own caches use the SQL and its parameters as the key, and these are equal for all tenants.
 *
 * `queryResultCache.clear()` throws: a tenant cache does not know its keys. Use `remove([identifier])`, or wait for the duration.
 */
export function typeormCache(cache: TenantCache): { readonly provider: () => QueryResultCache } {
  const keyOf = ({ identifier, query }: QueryResultCacheOptions) =>
    identifier === undefined ? `query ${query}` : `identifier ${identifier}`
  const nothing = async () => {}
  return asTenantHook({
    provider: () => ({
      connect: nothing,
      disconnect: nothing,
      synchronize: nothing,
      async getFromCache(options) {
        const saved = await cache.get<QueryResultCacheOptions>(keyOf(options))
        // An identifier belongs to one query text with its parameters. A value that another query stored is not returned.
        return saved !== undefined && saved.query === options.query ? saved : undefined
      },
      storeInCache: (options) =>
        cache.set(
          keyOf(options),
          {
            identifier: options.identifier,
            time: options.time,
            duration: options.duration,
            query: options.query,
            result: options.result,
          },
          { ttlMs: Math.max(1, Math.ceil(options.duration)) },
        ),
      isExpired: ({ time = 0, duration }) => time + duration < Date.now(),
      clear: () => Promise.reject(new Error('typeormCache(): clear() is not possible. Use remove([identifier]).')),
      async remove(identifiers) {
        for (const identifier of identifiers) await cache.delete(`identifier ${identifier}`)
      },
    }),
  })
}
