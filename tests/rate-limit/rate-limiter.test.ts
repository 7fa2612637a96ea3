import { Redis } from 'ioredis'
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest'
import { runWithTenant } from '../../src/context/run-with-tenant.ts'
import { createSecurityEvents, type SecurityEvent } from '../../src/events/security-events.ts'
import { silentLogger } from '../../src/logger/logger.ts'
import { DECISIONS_WITH_DRIVEN_CLOCK } from '../../src/rate-limit/decision-script.ts'
import { createMemoryStore } from '../../src/rate-limit/memory-store.ts'
import type { RateLimiterOptions } from '../../src/rate-limit/options.ts'
import { createRateLimiter, type RateLimiter } from '../../src/rate-limit/rate-limiter.ts'
import { readReplies } from '../../src/rate-limit/redis-reply.ts'
import { createRedisStore } from '../../src/rate-limit/redis-store.ts'
import { tenantKey } from '../../src/rate-limit/scope-key.ts'
import type { RateLimitStore } from '../../src/rate-limit/store.ts'
import { redisForTests } from '../setup/redis.ts'

let server: Awaited<ReturnType<typeof redisForTests>>
beforeAll(async () => {
  server = await redisForTests()
})
afterAll(() => server.stop())

const open: RateLimiter[] = []
afterEach(async () => {
  for (const limiter of open.splice(0)) await limiter.close()
})

async function limiterOf(options: Partial<RateLimiterOptions> = {}): Promise<RateLimiter> {
  const limiter = createRateLimiter({
    store: createRedisStore(server.url),
    logger: silentLogger,
    // Faults are not what is tested here: a slow machine must not send anybody to the local counters.
    storeTimeoutMs: 20_000,
    ...options,
  })
  open.push(limiter)
  await limiter.ready()
  return limiter
}

let tenants = 0
const freshTenant = () => `acme-${process.pid}-${++tenants}`
const tiers = { free: { requestsPerMinute: 4, requestsPerDay: 100, burstSize: 2 } }

async function admittedOf(limiter: RateLimiter, count: number, request: Parameters<RateLimiter['check']>[0]) {
  const decisions = await Promise.all(Array.from({ length: count }, () => limiter.check(request)))
  return decisions.filter((decision) => decision.outcome === 'admitted').length
}

describe('the limiter', () => {
  it('gives each tier its own burst', async () => {
    const limiter = await limiterOf()
    const sizes = { free: 10, pro: 50, enterprise: 200 }
    for (const [tier, burst] of Object.entries(sizes)) {
      const started = Date.now()
      const admitted = await admittedOf(limiter, 400, { tenantId: freshTenant(), tier })
      const refilled = ((Date.now() - started) / 1000) * { free: 1, pro: 5, enterprise: 17 }[tier as keyof typeof sizes]
      expect(admitted).toBeGreaterThanOrEqual(burst)
      expect(admitted).toBeLessThanOrEqual(burst + Math.ceil(refilled))
    }
  })

  it('gives an unknown tier the smallest limits', async () => {
    const decision = await (await limiterOf()).check({ tenantId: freshTenant(), tier: 'platinum' })
    expect(decision.tier).toBe('free')
    expect(decision.limits.map((state) => state.limit)).toEqual([10, 60, 1000])
  })

  it('names the limits that refused and when to come back', async () => {
    const limiter = await limiterOf({ tiers: { free: { requestsPerMinute: 2, requestsPerDay: 2, burstSize: 2 } } })
    const request = { tenantId: freshTenant(), tier: 'free' }
    await admittedOf(limiter, 2, request)
    const refused = await limiter.check(request)
    expect(refused).toMatchObject({ outcome: 'limited', violated: ['burst', 'minute', 'day'] })
    expect(refused.retryAfterSeconds).toBeGreaterThan(60)
    for (const state of refused.limits) expect(state.remaining).toBe(0)
  })

  it('keeps one user from taking the whole share of the tenant', async () => {
    const limiter = await limiterOf({
      tiers: { free: { ...tiers.free, burstSize: 4, perUser: { requestsPerMinute: 2 } } },
    })
    const tenantId = freshTenant()
    expect(await admittedOf(limiter, 10, { tenantId, tier: 'free', userId: 'greedy' })).toBe(2)
    const other = await limiter.check({ tenantId, tier: 'free', userId: 'modest' })
    expect(other.outcome).toBe('admitted')
    const refused = await limiter.check({ tenantId, tier: 'free', userId: 'greedy' })
    expect(refused.violated).toEqual(['user-burst', 'user-minute'])
  })

  it('limits a route apart from the rest, and refuses a route that it does not know', async () => {
    const limiter = await limiterOf({ routes: { export: { requestsPerMinute: 1 } } })
    const request = { tenantId: freshTenant(), tier: 'free' }
    expect(await admittedOf(limiter, 5, { ...request, route: 'export' })).toBe(1)
    expect((await limiter.check(request)).outcome).toBe('admitted')
    expect(() => limiter.check({ ...request, route: 'exprot' })).toThrow(
      expect.objectContaining({ code: 'PARTYWALL_CONFIGURATION' }),
    )
  })

  it('names all options that are wrong at once', () => {
    const wrong: unknown = { tierz: {}, instances: 0 }
    expect(() => createRateLimiter(wrong as RateLimiterOptions)).toThrow(/instances: [\s\S]*store: must be[\s\S]*tierz/)
  })

  it('throws for a cost that could never pass', async () => {
    const limiter = await limiterOf()
    for (const cost of [0, -1, 1.5, 11, Number.NaN]) {
      expect(() => limiter.check({ tenantId: 'a', tier: 'free', cost })).toThrow(
        expect.objectContaining({ code: 'PARTYWALL_CONFIGURATION' }),
      )
    }
  })

  it('applies a changed tier from the next request on', async () => {
    const limiter = await limiterOf({ tiers })
    const request = { tenantId: freshTenant(), tier: 'free' }
    expect(await admittedOf(limiter, 5, request)).toBe(2)
    limiter.setTier('free', { requestsPerMinute: 6000, requestsPerDay: 10_000, burstSize: 20 })
    // The bucket is as empty as it was, and refills at the new speed: 10 ms a token.
    // At the old speed it would take 15 s.
    await expect.poll(async () => (await limiter.check(request)).outcome, { timeout: 7000 }).toBe('admitted')
  })

  it('applies an override in other processes too, shows it, and takes it back', async () => {
    const [support, serving] = [await limiterOf({ tiers }), await limiterOf({ tiers, denyCacheMs: 0 })]
    const tenantId = freshTenant()
    const more = { requestsPerMinute: 30, requestsPerDay: 300, burstSize: 30 }
    await support.override(tenantId, more, { reason: 'launch day', expiresInSeconds: 3600 })
    expect(await admittedOf(serving, 40, { tenantId, tier: 'free' })).toBeGreaterThanOrEqual(30)
    const usage = await support.usage(tenantId, { tier: 'free' })
    expect(usage.override).toMatchObject({ limits: more, until: expect.any(Date) })
    await support.override(tenantId, null, { reason: 'launch day is over' })
    expect((await serving.check({ tenantId, tier: 'free' })).outcome).toBe('limited')
    expect((await support.usage(tenantId, { tier: 'free' })).override).toBeUndefined()
  })

  it('shows what was used without using anything, also by the tier of the current context', async () => {
    const limiter = await limiterOf()
    const tenantId = freshTenant()
    await admittedOf(limiter, 3, { tenantId, tier: 'pro' })
    const usage = await runWithTenant({ tenantId, userId: 'u', tier: 'pro' }, () => limiter.usage(tenantId))
    expect(usage).toMatchObject({ tier: 'pro', mode: 'store' })
    const used = Object.fromEntries(usage.limits.map((state) => [state.name, state.used]))
    expect(used).toMatchObject({ minute: 3, day: 3 })
    expect((await limiter.usage(tenantId, { tier: 'pro' })).limits).toHaveLength(3)
  })

  it('begins anew after a reset, which needs a reason', async () => {
    const limiter = await limiterOf({ tiers })
    const request = { tenantId: freshTenant(), tier: 'free' }
    expect(await admittedOf(limiter, 5, request)).toBe(2)
    await expect(limiter.reset(request.tenantId, { reason: ' ' })).rejects.toMatchObject({
      code: 'PARTYWALL_CONFIGURATION',
    })
    await limiter.reset(request.tenantId, { reason: 'customer called' })
    expect(await admittedOf(limiter, 5, request)).toBe(2)
  })

  it('throws the refusal from consume', async () => {
    const limiter = await limiterOf({ tiers })
    const request = { tenantId: freshTenant(), tier: 'free' }
    await limiter.consume(request)
    await limiter.consume(request)
    await expect(limiter.consume(request)).rejects.toMatchObject({ code: 'PARTYWALL_RATE_LIMIT_EXCEEDED' })
  })

  it('tells of refusals and of changes by hand', async () => {
    const events = createSecurityEvents()
    const seen: SecurityEvent[] = []
    events.on('*', (event) => seen.push(event))
    const limiter = await limiterOf({ tiers, events })
    const tenantId = freshTenant()
    await admittedOf(limiter, 3, { tenantId, tier: 'free', userId: 'u' })
    await limiter.reset(tenantId, { reason: 'test' })
    expect(seen).toEqual([
      { type: 'RATE_LIMITED', tenantId, userId: 'u', limits: ['burst'], tier: 'free' },
      expect.objectContaining({ type: 'SENSITIVE_ACTION', action: 'rate-limit.reset', tenantId }),
    ])
  })

  it('names every option that is wrong at once', () => {
    const wrong = {
      store: createMemoryStore(),
      instances: 0,
      denyCacheMs: 5000,
      tiers: { free: { requestsPerMinute: 5, requestsPerDay: 100, burstSize: 6 } },
    }
    expect(() => createRateLimiter(wrong)).toThrow(/tiers\.free.*instances.*denyCacheMs/s)
    expect(() => createRateLimiter({ ...wrong, stroe: 1 } as RateLimiterOptions)).toThrow(/stroe/)
  })
})

describe('the cache of refusals', () => {
  function counting(): { store: RateLimitStore; trips: () => number } {
    const inner = createRedisStore(server.url)
    let trips = 0
    const store: RateLimitStore = {
      ...inner,
      decide(scopes, cost) {
        trips++
        return inner.decide(scopes, cost)
      },
    }
    return { store, trips: () => trips }
  }

  it('answers for a blocked tenant without a trip', async () => {
    const { store, trips } = counting()
    const limiter = await limiterOf({
      store,
      tiers: { free: { requestsPerMinute: 2, requestsPerDay: 2, burstSize: 2 } },
    })
    const request = { tenantId: freshTenant(), tier: 'free' }
    for (let i = 0; i < 3; i++) await limiter.check(request)
    const before = trips()
    expect(limiter.blocked(request)?.outcome).toBe('limited')
    for (let i = 0; i < 1000; i++) expect((await limiter.check(request)).outcome).toBe('limited')
    expect(trips() - before).toBeLessThanOrEqual(2)
  })

  it('says nothing about a smaller request, another route or another tenant', async () => {
    const limiter = await limiterOf({ routes: { export: { requestsPerMinute: 1 } } })
    const request = { tenantId: freshTenant(), tier: 'free' }
    await admittedOf(limiter, 7, request)
    expect((await limiter.check({ ...request, cost: 8 })).outcome).toBe('limited')
    expect(limiter.blocked({ ...request, cost: 8 })).toBeDefined()
    expect(limiter.blocked(request)).toBeUndefined()
    const route = { ...request, tenantId: freshTenant(), route: 'export' }
    await admittedOf(limiter, 2, route)
    expect(limiter.blocked(route)).toBeDefined()
    expect(limiter.blocked({ ...route, route: undefined })).toBeUndefined()
    expect(limiter.blocked({ ...request, tenantId: freshTenant() })).toBeUndefined()
  })

  it('knows a refusal of a store in this process, for as long as the store refuses', async () => {
    let now = 1_800_000_000_000_000
    const store = createMemoryStore({ nowMicros: () => now })
    const told: SecurityEvent[] = []
    const events = createSecurityEvents(() => {})
    events.on('RATE_LIMITED', (event) => told.push(event))
    const limiter = await limiterOf({ store, tiers, events })
    const request = { tenantId: freshTenant(), tier: 'free' }
    await admittedOf(limiter, 2, request)
    expect((await limiter.check(request)).outcome).toBe('limited')
    expect(limiter.blocked(request)?.outcome).toBe('limited')
    // The audit log counts both.
    expect(told).toHaveLength(2)
    expect(limiter.blocked({ ...request, tenantId: freshTenant() })).toBeUndefined()
    now += 3_600_000_000
    expect(limiter.blocked(request)).toBeUndefined()
    expect((await limiter.check(request)).outcome).toBe('admitted')
    // It charged nothing.
    await admittedOf(limiter, 2, request)
    expect((await limiter.check(request)).outcome).toBe('limited')
  })

  it('forgets a refusal within a second, so that what support gave in another process shows', async () => {
    const [support, serving] = [await limiterOf({ tiers }), await limiterOf({ tiers })]
    const request = { tenantId: freshTenant(), tier: 'free' }
    await admittedOf(serving, 3, request)
    await support.reset(request.tenantId, { reason: 'test' })
    // Without that second it would be the 15 s of a token; deny-cache.test.ts drives the clock.
    await expect.poll(async () => (await serving.check(request)).outcome, { timeout: 7000 }).toBe('admitted')
  })

  it('can be switched off', async () => {
    const { store, trips } = counting()
    const limiter = await limiterOf({ store, tiers, denyCacheMs: 0 })
    const request = { tenantId: freshTenant(), tier: 'free' }
    for (let i = 0; i < 6; i++) await limiter.check(request)
    expect(trips()).toBe(6)
  })
})

describe('keys', () => {
  const odd = [
    'a:b',
    '{x}',
    'x',
    '}{',
    '😀',
    '\ud800',
    '\ud801',
    'a'.repeat(10_240),
    'A',
    ' ',
    'x:u:1',
    'é',
    'e\u0301',
    'a\0b',
    '\0',
    '',
  ]

  it('keep every tenant apart, however odd its id', async () => {
    const limiter = await limiterOf({
      tiers: { free: { ...tiers.free, burstSize: 4, perUser: { requestsPerMinute: 4 } } },
    })
    const ids = odd.flatMap((tenantId) => [
      { tenantId, userId: '1' },
      { tenantId: `${tenantId}}:u:1`, userId: 'b' },
      { tenantId, userId: '1}:u:b' },
    ])
    for (const { tenantId, userId } of ids) await limiter.reset(tenantId, { reason: 'test', userId })
    for (const [index, { tenantId, userId }] of ids.entries()) {
      const user = { tenantId, userId, tier: 'free' }
      const admitted = await admittedOf(limiter, 3, user)
      // The third of each three is another user of the first one's tenant.
      expect([index, admitted]).toEqual([index, index % 3 === 2 ? 1 : 3])
    }
    const redis = new Redis(server.url)
    const keys = await redis.keys('partywall:rl:*')
    expect(Math.max(...keys.map((key) => key.length))).toBeLessThan(200)
    redis.disconnect()
  })

  it('cost about a hundred bytes for each tenant that is idle, in Redis', async () => {
    const redis = new Redis(server.url)
    const limiter = await limiterOf()
    const ids = Array.from({ length: 2000 }, (_, index) => `memory-${process.pid}-${index}`)
    const before = await usedMemory(redis)
    await Promise.all(ids.map((tenantId) => limiter.check({ tenantId, tier: 'free' })))
    expect((await usedMemory(redis)) - before).toBeLessThan(400 * ids.length)
    redis.disconnect()
  })

  it('end a minute after their day, those of users and routes too', async () => {
    const redis = new Redis(server.url)
    const limiter = await limiterOf({
      tiers: { free: { ...tiers.free, perUser: { requestsPerMinute: 2 } } },
      routes: { export: { requestsPerMinute: 2 } },
    })
    const tenantId = freshTenant()
    await limiter.check({ tenantId, tier: 'free', userId: 'u', route: 'export' })
    const keys = await redis.keys(`partywall:rl:{${tenantId}}*`)
    expect(keys).toHaveLength(3)
    const [seconds = '0', micros = '0'] = (await redis.time()).map(String)
    const now = Number(seconds) * 1000 + Number(micros) / 1000
    const end = (Math.floor(now / 86_400_000) + 1) * 86_400_000 + 60_000
    for (const key of keys) {
      const left = await redis.pttl(key)
      expect(left).toBeGreaterThan(0)
      // PTTL answers whole milliseconds, rounded up.
      expect(now + left).toBeLessThanOrEqual(end + 1)
      // Some time may have passed since the clock was read.
      expect(now + left).toBeGreaterThan(end - 10_000)
    }
    redis.disconnect()
  })

  it('of a day that is over take no memory at all', async () => {
    const redis = new Redis(server.url)
    const key = `over:{${freshTenant()}}`
    const decide = async (now: number) => {
      const text = DECISIONS_WITH_DRIVEN_CLOCK[0].text
      const [reply] = readReplies(await redis.callBuffer('EVAL', text, 1, key, now, 1, 60, 1000, 10), 1, 1)
      return reply !== undefined && 'admitted' in reply && reply.admitted
    }
    // As it was written two days ago: Redis ends it at the time that the script gave.
    expect(await decide((Date.now() - 2 * 86_400_000) * 1000)).toBe(true)
    expect(await redis.exists(key)).toBe(0)
    expect(await decide(Date.now() * 1000)).toBe(true)
    expect(await redis.exists(key)).toBe(1)
    redis.disconnect()
  })

  it('in memory are bounded: the one unused for longest goes first, and what support gave stays', async () => {
    const store = createMemoryStore({ maxEntries: 100 })
    const scopeOf = (tenant: string) => ({
      kind: 'tenant' as const,
      key: tenantKey(tenant),
      limits: { perMinute: 1, perDay: 0, burst: 1 },
    })
    const used = async (tenant: string) => (await store.decide([scopeOf(tenant)], 0)).scopes[0]?.counters.inMinute
    await store.override(tenantKey('helped'), { limits: { perMinute: 9, perDay: 0, burst: 9 }, untilSeconds: 0 })
    await store.decide([scopeOf('first')], 1)
    await store.decide([scopeOf('kept')], 1)
    for (let i = 0; i < 98; i++) {
      await store.decide([scopeOf(`tenant-${i}`)], 1)
      await store.decide([scopeOf('kept')], 1)
    }
    expect([await used('first'), await used('kept')]).toEqual([0, 1])
    expect((await store.decide([scopeOf('helped')], 0)).scopes[0]?.override).toBeDefined()
  })
})

async function usedMemory(redis: Redis): Promise<number> {
  return Number(/used_memory_dataset:(\d+)/.exec(await redis.info('memory'))?.[1])
}
