// A cache that tenants share, attacked in memory and on a real Redis through both of its clients.
import { Redis } from 'ioredis'
import { createClient } from 'redis'
import { beforeAll, beforeEach, describe, expect, it } from 'vitest'
import { memoryStore } from '../../src/cache/store.ts'
import { createTenantCache } from '../../src/cache/tenant-cache.ts'
import { runWithTenant } from '../../src/context/run-with-tenant.ts'
import type { Logger } from '../../src/logger/logger.ts'
import { afterFile } from '../setup/after-file.ts'
import { startRedis } from '../setup/redis.ts'
import { attackSharedCache } from './shared-cache/attacks.ts'

describe('a tenant cache on a Map', () => {
  attackSharedCache(() => {
    const library = new Map<string, string>()
    return { library, entries: async () => new Map(library), write: async (key, text) => library.set(key, text) }
  })
})

describe('a tenant cache on memoryStore()', () => {
  const as = <T>(tenantId: string, fn: () => T): T => runWithTenant({ tenantId, userId: 'u' }, fn)
  const keys = async () => [Buffer.alloc(32, 7)]

  it('drops the value that was unused for the longest time', async () => {
    const cache = createTenantCache(memoryStore({ maxEntries: 2 }), { keys })
    await as('t', async () => {
      await cache.set('first', 1)
      await cache.set('second', 2)
      expect(await cache.get('first')).toBe(1)
      await cache.set('third', 3)
      expect([await cache.get('first'), await cache.get('second'), await cache.get('third')]).toEqual([1, undefined, 3])
    })
  })

  it('drops a text at its time', async () => {
    const store = memoryStore()
    store.set('short', 'text', 5)
    store.set('long', 'text', 60_000)
    expect(store.get('short')).toBe('text')
    await expect.poll(() => store.get('short')).toBeUndefined()
    expect(store.get('long')).toBe('text')
  })

  it('treats a store that fails as empty, and says so once', async () => {
    const lines: unknown[] = []
    const note = (fields: object, text: string) => void lines.push(text, fields)
    const logger: Logger = { debug: note, info: note, warn: note, error: note }
    const down = () => Promise.reject(new Error('the store is down'))
    const cache = createTenantCache({ get: down, set: down, delete: down }, { keys, logger })
    await as('t', async () => {
      await cache.set('k', 1)
      expect(await cache.get('k')).toBeUndefined()
      expect(await cache.wrap('k', async () => 2)).toBe(2)
    })
    expect(lines).toHaveLength(2)
  })

  it('refuses stores and options that are none, and values that can’t be copied', async () => {
    const configuration = expect.objectContaining({ code: 'PARTYWALL_CONFIGURATION' })
    expect(() => createTenantCache({}, { keys })).toThrow(configuration)
    for (const options of [{ ttlMs: 0 }, { ttlMs: 0.5 }, { name: 'a:b' }, { name: '' }, { maxValueBytes: 0 }])
      expect(() => createTenantCache(new Map(), { keys }, options)).toThrow(configuration)
    const cache = createTenantCache(new Map(), { keys })
    await expect(as('t', () => cache.set('k', () => {}))).rejects.toMatchObject({ code: 'PARTYWALL_INVALID_INPUT' })
  })

  it('does not store a value above its limit', async () => {
    const map = new Map()
    const cache = createTenantCache(map, { keys }, { maxValueBytes: 200 })
    await as('t', () => cache.set('k', 'x'.repeat(1_000)))
    expect(map.size).toBe(0)
  })
})

describe('a tenant cache on Redis', () => {
  let redis: Redis
  let client: ReturnType<typeof createClient>
  beforeAll(async () => {
    const server = await startRedis()
    redis = new Redis(server.url)
    client = createClient({ url: server.url })
    await client.connect()
    afterFile(async () => {
      redis.disconnect()
      client.destroy()
      await server.stop()
    })
  })
  beforeEach(async () => {
    await redis.flushall()
  })
  const entries = async () => {
    const found = new Map<string, string>()
    for (const key of await redis.keys('*')) found.set(key, (await redis.get(key)) ?? '')
    return found
  }
  const write = (key: string, text: string) => redis.set(key, text)
  describe('through ioredis', () => {
    attackSharedCache(() => ({ library: redis, entries, write }))
    it('lets Redis drop the value at its time', async () => {
      const cache = createTenantCache(redis, { keys: async () => [Buffer.alloc(32)] }, { ttlMs: 50_000 })
      await runWithTenant({ tenantId: 't', userId: 'u' }, () => cache.set('k', 1))
      const [key = ''] = await redis.keys('*')
      expect(await redis.pttl(key)).toBeGreaterThan(0)
    })
  })
  describe('through node-redis', () => {
    attackSharedCache(() => ({ library: client, entries, write }))
    it('lets Redis drop the value at its time', async () => {
      const cache = createTenantCache(client, { keys: async () => [Buffer.alloc(32)] }, { ttlMs: 50_000 })
      await runWithTenant({ tenantId: 't', userId: 'u' }, () => cache.set('k', 1))
      const [key = ''] = await redis.keys('*')
      expect(await redis.pttl(key)).toBeGreaterThan(0)
    })
  })
})
