import { Redis } from 'ioredis'
import { createClient } from 'redis'
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest'
import { createMemoryStore } from '../../src/rate-limit/memory-store.ts'
import { createRedisStore } from '../../src/rate-limit/redis-store.ts'
import type { RateLimitStore, Scope } from '../../src/rate-limit/store.ts'
import { type RedisServer, redisForTests, startRedis } from '../setup/redis.ts'

let server: Awaited<ReturnType<typeof redisForTests>>
beforeAll(async () => {
  server = await redisForTests()
})
afterAll(() => server.stop())

const kinds: Record<string, () => RateLimitStore> = {
  memory: () => createMemoryStore(),
  'ioredis client': () => createRedisStore(new Redis(server.url, { lazyConnect: true })),
  'node-redis client': () => createRedisStore(createClient({ url: server.url })),
  'redis:// URL': () => createRedisStore(server.url),
}

let tenants = 0
function tenantScope(limits: Partial<Scope['limits']> = {}): Scope {
  tenants++
  return {
    kind: 'tenant',
    key: `{t${process.pid}-${tenants}}`,
    limits: { perMinute: 60, perDay: 1000, burst: 10, ...limits },
  }
}

describe.each(Object.keys(kinds))('the store on %s', (kind) => {
  const open: RateLimitStore[] = []
  function store(): RateLimitStore {
    const made = kinds[kind]?.()
    if (made === undefined) throw new Error(`no store ${kind}`)
    open.push(made)
    return made
  }
  afterEach(async () => {
    for (const made of open.splice(0)) await made.close()
  })

  async function admittedOf(made: RateLimitStore, scopes: readonly Scope[], count: number): Promise<number> {
    const replies = await Promise.all(Array.from({ length: count }, () => made.decide(scopes, 1)))
    return replies.filter((reply) => reply.admitted).length
  }

  it('admits the burst and no more of a crowd that comes at once', async () => {
    const scope = tenantScope({ perMinute: 2 })
    expect(await admittedOf(store(), [{ ...scope, limits: { perMinute: 2, perDay: 0, burst: 2 } }], 65)).toBe(2)
  })

  it('charges a refused request to no limit', async () => {
    const made = store()
    const scope = tenantScope({ perMinute: 12, burst: 2 })
    expect(await admittedOf(made, [scope], 50)).toBe(2)
    const looked = await made.decide([scope], 0)
    expect(looked.scopes[0]?.counters).toMatchObject({ inMinute: 2, inDay: 2 })
  })

  it('charges all scopes of a request or none', async () => {
    const made = store()
    const tenant = tenantScope()
    const user: Scope = { kind: 'user', key: `${tenant.key}:u:1`, limits: { perMinute: 1, perDay: 0, burst: 1 } }
    const route: Scope = { kind: 'route', key: `${tenant.key}:r:1`, limits: { perMinute: 5, perDay: 0, burst: 5 } }
    expect(await admittedOf(made, [tenant, user, route], 5)).toBe(1)
    const looked = await made.decide([tenant, user, route], 0)
    expect(looked.scopes.map((scope) => scope.counters.inMinute)).toEqual([1, 1, 1])
  })

  it('keeps the day cap where minute and burst would admit', async () => {
    const scope = tenantScope({ perMinute: 100, perDay: 100, burst: 100 })
    expect(await admittedOf(store(), [scope], 130)).toBe(100)
  })

  it('weighs a request by its cost', async () => {
    const made = store()
    const scope = tenantScope({ perMinute: 10, burst: 10 })
    expect((await made.decide([scope], 7)).admitted).toBe(true)
    expect((await made.decide([scope], 7)).admitted).toBe(false)
    expect((await made.decide([scope], 3)).admitted).toBe(true)
  })

  it('lets an override decide in place of the limits asked with, until it is taken back', async () => {
    const made = store()
    const scope = tenantScope({ perMinute: 2, burst: 2 })
    await made.override(scope.key, { limits: { perMinute: 6, perDay: 0, burst: 6 }, untilSeconds: 0 })
    expect(await admittedOf(made, [scope], 20)).toBe(6)
    await made.reset([scope.key])
    const kept = await made.decide([scope], 0)
    expect(kept.scopes[0]).toMatchObject({ override: { limits: { perMinute: 6 } }, counters: { inMinute: 0 } })
    await made.override(scope.key, undefined)
    expect(await admittedOf(made, [scope], 20)).toBe(2)
  })

  it('forgets an override whose time is over', async () => {
    const made = store()
    const scope = tenantScope({ perMinute: 2, burst: 2 })
    const past = Math.floor(Date.now() / 1000) - 5
    await made.override(scope.key, { limits: { perMinute: 6, perDay: 0, burst: 6 }, untilSeconds: past })
    expect(await admittedOf(made, [scope], 20)).toBe(2)
  })

  it('answers a ping', async () => {
    await expect(store().ping()).resolves.toBeUndefined()
  })
})

describe('the Redis store', () => {
  it('changes nothing of the client that it was given', async () => {
    const client = new Redis(server.url, { lazyConnect: true })
    const before = { ...client.options }
    const made = createRedisStore(client)
    await made.decide([tenantScope()], 1)
    await made.close()
    expect(client.status).toBe('wait')
    expect({ ...client.options }).toEqual(before)
    client.disconnect()
  })

  it('takes a key with foreign bytes for no counters at all', async () => {
    const client = new Redis(server.url)
    const scope = tenantScope()
    await client.set(`partywall:rl:${scope.key}`, 'short')
    const made = createRedisStore(client)
    expect((await made.decide([scope], 1)).admitted).toBe(true)
    await made.close()
    client.disconnect()
  })

  it.each(['http://x', 'localhost:6379'])('refuses the address %s', (address) => {
    expect(() => createRedisStore(address)).toThrow(expect.objectContaining({ code: 'PARTYWALL_CONFIGURATION' }))
  })

  it('refuses a prefix with braces, which would move the hash tag', () => {
    expect(() => createRedisStore('redis://127.0.0.1', { prefix: '{all}:' })).toThrow(
      expect.objectContaining({ code: 'PARTYWALL_CONFIGURATION' }),
    )
  })
})

describe('decisions that are asked for at once', () => {
  // A server of its own, whose calls are counted.
  let own: RedisServer
  beforeAll(async () => {
    own = await startRedis()
  })
  afterAll(() => own.stop())

  const clients: Record<string, () => RateLimitStore> = {
    'ioredis client': () => createRedisStore(new Redis(own.url, { lazyConnect: true })),
    'node-redis client': () => createRedisStore(createClient({ url: own.url })),
  }

  async function callsOf(admin: Redis): Promise<number> {
    const stats = await admin.info('commandstats')
    return [...stats.matchAll(/cmdstat_eval(?:sha)?:calls=(\d+)/g)].reduce((sum, [, calls]) => sum + Number(calls), 0)
  }

  it.each(['ioredis client', 'node-redis client'])(
    'on %s decides for many tenants in one trip, and a key of another type fails for its own tenant alone',
    async (kind) => {
      const admin = new Redis(own.url)
      const made = clients[kind]?.() ?? expect.fail('no store')
      await made.ping()
      const limits = { perMinute: 60, perDay: 1000, burst: 10 }
      const scopes = Array.from({ length: 40 }, (): Scope => ({ ...tenantScope(), limits }))
      const calls = () => callsOf(admin)
      const decideAll = () => Promise.allSettled(scopes.map((scope) => made.decide([scope], 1)))
      await decideAll()
      const before = await calls()
      const [wrong] = scopes
      await admin.del(`partywall:rl:${wrong?.key}`)
      await admin.rpush(`partywall:rl:${wrong?.key}`, 'a list')
      const results = await decideAll()
      expect((await calls()) - before).toBe(1)
      expect(results.map(({ status }) => status)).toEqual(['rejected', ...scopes.slice(1).map(() => 'fulfilled')])
      expect(results[0]).toMatchObject({ reason: { message: expect.stringContaining('WRONGTYPE') } })
      const looked = await Promise.all(scopes.slice(1).map((scope) => made.decide([scope], 0)))
      expect(new Set(looked.map((reply) => reply.scopes[0]?.counters.inMinute))).toEqual(new Set([2]))
      await made.close()
      admin.disconnect()
    },
  )

  it('asks for at most 64 decisions in one call, and for those with other limits or another cost in one of their own', async () => {
    const admin = new Redis(own.url)
    const made = createRedisStore(own.url)
    await made.ping()
    const [small, big] = [
      { perMinute: 60, perDay: 1000, burst: 10 },
      { perMinute: 600, perDay: 10_000, burst: 20 },
    ]
    const calls = () => callsOf(admin)
    await made.decide([tenantScope()], 1)
    const before = await calls()
    const wide = tenantScope()
    const replies = await Promise.all([
      ...Array.from({ length: 65 }, () => made.decide([{ ...tenantScope(), limits: small }], 1)),
      ...Array.from({ length: 15 }, () => made.decide([{ ...wide, limits: big }], 1)),
      made.decide([{ ...tenantScope(), limits: small }], 2),
    ])
    expect((await calls()) - before).toBe(4)
    // The small limits would admit 10 of the 15.
    expect(replies.filter((reply) => reply.admitted)).toHaveLength(65 + 15 + 1)
    expect(replies.at(-1)?.scopes[0]?.counters.inMinute).toBe(2)
    await made.close()
    admin.disconnect()
  })

  it('are decided one by one where a server wants the keys of each call in one slot', async () => {
    const node = await startRedis({ config: { 'cluster-enabled': 'yes' } })
    const admin = new Redis(node.url)
    await admin.call('CLUSTER', 'ADDSLOTSRANGE', 0, 16383)
    await expect
      .poll(async () => await admin.call('CLUSTER', 'INFO'), { timeout: 15_000 })
      .toContain('cluster_state:ok')
    const made = createRedisStore(node.url)
    await made.ping()
    const limits = { perMinute: 60, perDay: 1000, burst: 10 }
    for (let round = 0; round < 2; round++) {
      const scopes = Array.from({ length: 20 }, (): Scope => ({ ...tenantScope(), limits }))
      const replies = await Promise.all(scopes.map((scope) => made.decide([scope], 1)))
      expect(replies.map((reply) => reply.scopes[0]?.counters.inMinute)).toEqual(new Array(20).fill(1))
    }
    await made.close()
    admin.disconnect()
    await node.stop()
  })
})
