import { randomUUID } from 'node:crypto'
import type { TenantCache } from '../tenant-cache.ts'

/** The methods that Drizzle calls on a cache. They are the methods of the class `Cache` of `drizzle-orm/cache/core`. */
interface DrizzleCache {
  strategy(): 'explicit' | 'all'
  get(key: string, tables: string[], isTag: boolean, isAutoInvalidate?: boolean): Promise<unknown[] | undefined>
  put(
    key: string,
    response: unknown,
    tables: string[],
    isTag: boolean,
    config?: { readonly ex?: number; readonly px?: number },
  ): Promise<void>
  onMutate(change: { readonly tags?: string | string[]; readonly tables?: unknown }): Promise<void>
}

/**
 * Makes a cache for Drizzle that stores results in a tenant cache: `drizzle(wall.pool, { cache: drizzleCache(Cache, cache) })`.
 *
 * Drizzle's own key is a hash of SQL and parameters, which are equal for all tenants. If a tenant changes tables through Drizzle, the
 * cached results of these tables become invalid for all who share the cache: the tenant, or only the user if the cache has
 * `sharedBy: 'user'`. Results with `autoInvalidate: false` stay.
 *
 * @param Cache the class of `drizzle-orm/cache/core`
 * @param options.strategy `explicit` (default): only queries with `$withCache()`; `all`: every query
 */
export function drizzleCache<Base extends object>(
  Cache: abstract new () => Base,
  cache: TenantCache,
  options: { readonly strategy?: 'explicit' | 'all' } = {},
): Base & DrizzleCache {
  // Drizzle's class is abstract and has no behaviour of its own. Drizzle recognises its classes by their static property `entityKind`,
  // which the subclass inherits.
  const Extensible = Cache as unknown as new () => object
  class TenantDrizzleCache extends Extensible implements DrizzleCache {
    strategy(): 'explicit' | 'all' {
      return options.strategy ?? 'explicit'
    }

    async get(
      key: string,
      tables: string[],
      isTag: boolean,
      isAutoInvalidate?: boolean,
    ): Promise<unknown[] | undefined> {
      // Without automatic invalidation Drizzle gives put() no tables. Leave the tables out here too, so that get() and put() compute the
      // same key.
      return cache.get<unknown[]>(await placeOf(cache, key, isAutoInvalidate === false ? [] : tables, isTag))
    }

    async put(
      key: string,
      response: unknown,
      tables: string[],
      isTag: boolean,
      config?: { ex?: number; px?: number },
    ): Promise<void> {
      const ttlMs = config?.px ?? (config?.ex === undefined ? undefined : config.ex * 1_000)
      await cache.set(
        await placeOf(cache, key, tables, isTag),
        plainResult(response),
        ttlMs === undefined ? {} : { ttlMs },
      )
    }

    async onMutate({ tags, tables }: { tags?: string | string[]; tables?: unknown }): Promise<void> {
      for (const tag of listOf(tags)) await cache.delete(`mark of tag ${String(tag)}`)
      for (const table of listOf(tables)) await cache.delete(`table ${nameOf(table)}`)
    }
  }
  return new TenantDrizzleCache() as unknown as Base & DrizzleCache
}

/**
 * Returns the fields of pg's result that can be stored. The result's parsers are functions, which can't be stored. Drizzle reads only
 * `rows`, but an application may read the other fields.
 */
function plainResult(response: unknown): unknown {
  if (typeof response !== 'object' || response === null || !('rows' in response)) return response
  return {
    rows: response.rows,
    rowCount: Reflect.get(response, 'rowCount'),
    command: Reflect.get(response, 'command'),
  }
}

/**
 * Returns the key of a result in the tenant cache. The cache keeps a random text (a mark) for each table and each tag. A change of the table,
 * and the invalidation of the tag, remove the mark. The key contains the current marks, so an older result is not found any more.
 */
async function placeOf(cache: TenantCache, key: string, tables: readonly string[], isTag: boolean): Promise<string> {
  const marked = [...(isTag ? [`mark of tag ${key}`] : []), ...tables.map((table) => `table ${table}`)]
  const marks: string[] = []
  for (const name of marked) marks.push(await cache.wrap(name, async () => randomUUID(), { ttlMs: MARK_MS }))
  return `${isTag ? 'tag' : 'query'} ${key} ${marks.join(' ')}`
}

/** How long a mark is kept, in milliseconds. A result is no longer found after the mark has expired. */
const MARK_MS = 7 * 86_400_000

function listOf(value: unknown): readonly unknown[] {
  if (value === undefined) return []
  return Array.isArray(value) ? value : [value]
}

function nameOf(table: unknown): string {
  if (typeof table === 'string') return table
  const name: unknown =
    typeof table === 'object' && table !== null ? Reflect.get(table, Symbol.for('drizzle:Name')) : undefined
  return String(name)
}
