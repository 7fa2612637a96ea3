import { ConfigurationError } from '../errors.ts'

/** The store in which a tenant cache keeps its texts. Each method may be asynchronous. */
export interface CacheStore {
  get(key: string): unknown
  /** @param ttlMs after how many milliseconds the store may drop the text */
  set(key: string, text: string, ttlMs: number): unknown
  delete(key: string): unknown
}

/**
 * A cache library: Keyv, lru-cache, ioredis, node-redis, a `Map`, or an object with `get`, `set(key, text, ttlMs)` and `delete`.
 *
 * Libraries are told apart by their methods, so none of them is a dependency.
 */
export type CacheLibrary = object

/**
 * Makes a store from a cache library. Finds out from the library's methods how to call it.
 *
 * @throws {ConfigurationError} `PARTYWALL_CONFIGURATION` for an object without the methods of a cache
 */
export function storeOn(library: CacheLibrary): CacheStore {
  const get = method(library, 'get')
  const set = method(library, 'set')
  // lru-cache takes the time to live in an object; ioredis as two words; node-redis as PX in an object; Keyv as a number.
  if (has(library, 'purgeStale'))
    return { get, set: (key, text, ttl) => set(key, text, { ttl }), delete: method(library, 'delete') }
  if (has(library, 'del')) {
    const remove = method(library, 'del')
    const write = has(library, 'defineCommand')
      ? (key: string, text: string, ttl: number) => set(key, text, 'PX', ttl)
      : (key: string, text: string, ttl: number) => set(key, text, { PX: ttl })
    return { get, set: write, delete: remove }
  }
  return { get, set: (key, text, ttl) => set(key, text, ttl), delete: method(library, 'delete') }
}

type Method = (...values: unknown[]) => unknown

function method(library: CacheLibrary, name: string): Method {
  const found: unknown = Reflect.get(library, name)
  if (typeof found !== 'function')
    throw new ConfigurationError(
      `tenantCache(store): store has no method ${name}(). Give a Keyv, an LRUCache, a client of ioredis or redis, a Map, or an object with get, set and delete.`,
    )
  return (...values) => Reflect.apply(found, library, values)
}

function has(library: CacheLibrary, name: string): boolean {
  return typeof Reflect.get(library, name) === 'function'
}

/**
 * A store in the memory of this process. When it is full, it drops the text that was unused for the longest time.
 *
 * @param options.maxEntries default 10_000
 */
export function memoryStore(options: { readonly maxEntries?: number } = {}): CacheStore {
  const { maxEntries = 10_000 } = options
  const entries = new Map<string, { readonly text: string; readonly until: number }>()
  return {
    get(key) {
      const entry = entries.get(key)
      if (entry === undefined) return undefined
      entries.delete(key)
      if (entry.until <= Date.now()) return undefined
      entries.set(key, entry) // now the youngest
      return entry.text
    },
    set(key, text, ttlMs) {
      entries.delete(key)
      entries.set(key, { text, until: Date.now() + ttlMs })
      const [oldest] = entries.keys()
      if (entries.size > maxEntries && oldest !== undefined) entries.delete(oldest)
    },
    delete: (key) => void entries.delete(key),
  }
}
