import express from 'express'
import { Redis } from 'ioredis'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { silentLogger } from '../../src/logger/logger.ts'
import { tenantContextMiddleware, tenantErrorHandler, tenantRateLimiter } from '../../src/middleware/express.ts'
import { createPartywall, type Partywall } from '../../src/partywall.ts'
import { createRedisStore } from '../../src/rate-limit/redis-store.ts'
import { createTestDatabase, createTestTenant, type TestDatabase, type TestTenant } from '../setup/database.ts'
import { startIssuer, type TestIssuer } from '../setup/issuer.ts'
import { type RedisServer, startRedis } from '../setup/redis.ts'
import { TcpProxy } from '../setup/tcp-proxy.ts'
import { createTestWall, serve } from '../setup/wall.ts'

// A token comes back after a minute: whoever is blocked stays blocked while a test runs.
const tiers = { free: { requestsPerMinute: 1, requestsPerDay: 1000, burstSize: 1 } }

describe('a request of a blocked tenant', () => {
  let database: TestDatabase
  let redis: RedisServer
  let admin: Redis
  let proxy: TcpProxy & { url: string }
  let issuer: TestIssuer
  const walls: Partywall[] = []
  beforeAll(async () => {
    database = await createTestDatabase()
    redis = await startRedis()
    admin = new Redis(redis.url)
    proxy = await TcpProxy.start(database.appUrl)
    issuer = await startIssuer()
  })
  afterAll(async () => {
    for (const wall of walls) await wall.close({ timeoutMs: 1000 })
    await issuer.close()
    admin.disconnect()
    await proxy.stop()
    await redis.stop()
  })

  /** An app that counts what each request costs. Its directory's answers are old at once, so that each would be asked anew. */
  async function start({ refuseBlocked }: { refuseBlocked: boolean }) {
    const counts = { signatures: 0, memberships: 0, decisions: 0 }
    const incidents: string[] = []
    const wall = createPartywall({
      database: { url: proxy.url, max: 2 },
      auth: {
        ...issuer.localOptions(),
        // Read once for each token whose signature was checked, and for none from the cache.
        claims(raw) {
          counts.signatures++
          return raw
        },
        async authorize() {
          counts.memberships++
          return true
        },
      },
      seal: { secret: database.sealSecret },
      tenants: { ttlMs: 1, listenUrl: false },
      rateLimit: {
        store: createRedisStore(redis.url),
        tiers,
        storeTimeoutMs: 20_000,
        onDecision: () => counts.decisions++,
      },
      audit: false,
      logger: silentLogger,
    })
    walls.push(wall)
    wall.events.on('CROSS_TENANT_ACCESS_ATTEMPT', (event) => incidents.push(event.source))
    const limiter = wall.limiter ?? expect.fail('no limiter')
    await limiter.ready()
    const app = express()
    app.use(tenantContextMiddleware(wall, { refuseBlocked }))
    app.use(tenantRateLimiter({ limiter }))
    app.get('/ping', (_request, response) => {
      response.json('pong')
    })
    app.use(tenantErrorHandler())
    const base = await serve(app)
    const tokenOf = ({ key, userId }: TestTenant) => issuer.sign({ claims: { org_id: key, sub: userId } })
    const get = (token: string, headers: Record<string, string> = {}) =>
      fetch(`${base}/ping`, { headers: { authorization: `Bearer ${token}`, ...headers } })
    return { wall, counts, incidents, tokenOf, get }
  }

  async function redisCalls(): Promise<number> {
    const stats = await admin.info('commandstats')
    return [...stats.matchAll(/cmdstat_eval(?:sha)?:calls=(\d+)/g)].reduce((sum, [, calls]) => sum + Number(calls), 0)
  }

  /** What `requests` of them cost beyond what has been paid. */
  async function costOf(counts: { signatures: number; memberships: number }, requests: () => Promise<void>) {
    const [before, calls] = [{ ...counts }, await redisCalls()]
    proxy.reset()
    await requests()
    return {
      signatures: counts.signatures - before.signatures,
      memberships: counts.memberships - before.memberships,
      statements: proxy.count('E') + proxy.count('Q'),
      redis: (await redisCalls()) - calls,
    }
  }

  // A refusal is remembered for a second, after which Redis is asked once: as many rounds as it takes to see one without that.
  async function unlessAskedAnew<T extends { redis: number }>(round: () => Promise<T>): Promise<T> {
    let seen = await round()
    for (let again = 0; again < 10 && seen.redis > 0; again++) seen = await round()
    return seen
  }

  it('with a token in the cache costs no signature check, no statement and no trip to Redis', async () => {
    const { counts, tokenOf, get } = await start({ refuseBlocked: true })
    const [a, b] = [await createTestTenant(database), await createTestTenant(database)]
    const token = await tokenOf(a)
    expect((await get(token)).status).toBe(200)
    expect((await get(token)).status).toBe(429)
    const cost = await unlessAskedAnew(() =>
      costOf(counts, async () => {
        for (let i = 0; i < 10; i++) {
          const answer = await get(token)
          expect(answer.status).toBe(429)
          expect(Object.fromEntries(answer.headers)).toMatchObject({
            'retry-after': expect.stringMatching(/^\d+$/),
            'x-ratelimit-limit-minute': '1',
            'x-ratelimit-remaining-burst': '0',
            'ratelimit-policy': '"burst";q=1;w=60, "minute";q=1;w=60, "day";q=1000;w=86400',
          })
          expect(await answer.json()).toMatchObject({
            code: 'PARTYWALL_RATE_LIMIT_EXCEEDED',
            'violated-policies': ['burst', 'minute'],
          })
        }
      }),
    )
    expect(cost).toEqual({ signatures: 0, memberships: 0, statements: 0, redis: 0 })
    // Early refusals are told to metrics like all others.
    expect(counts.decisions).toBeGreaterThanOrEqual(12)
    expect((await get(await tokenOf(b))).status).toBe(200)
  })

  it('with a token that is not in the cache is limited too: one signature check, and nothing more', async () => {
    const { counts, tokenOf, get } = await start({ refuseBlocked: true })
    const tenant = await createTestTenant(database)
    expect((await get(await tokenOf(tenant))).status).toBe(200)
    expect((await get(await tokenOf(tenant))).status).toBe(429)
    const cost = await unlessAskedAnew(async () => {
      const fresh = await Promise.all(Array.from({ length: 5 }, () => tokenOf(tenant)))
      return costOf(counts, async () => {
        for (const token of fresh) expect((await get(token)).status).toBe(429)
      })
    })
    expect(cost).toEqual({ signatures: 5, memberships: 0, statements: 0, redis: 0 })
  })

  it('is refused by the limiter alone unless that is asked for: routes without limits stay in reach', async () => {
    const { counts, tokenOf, get } = await start({ refuseBlocked: false })
    const tenant = await createTestTenant(database)
    const token = await tokenOf(tenant)
    expect((await get(token)).status).toBe(200)
    expect((await get(token)).status).toBe(429)
    const cost = await unlessAskedAnew(() => costOf(counts, async () => void (await get(token))))
    expect(cost).toMatchObject({ signatures: 0, memberships: 1 })
    expect(cost.statements).toBeGreaterThan(0)
  })

  it('that names another tenant is reported all the same', async () => {
    const { incidents, tokenOf, get } = await start({ refuseBlocked: true })
    const tenant = await createTestTenant(database)
    const token = await tokenOf(tenant)
    await get(token)
    expect((await get(token)).status).toBe(429)
    expect((await get(token, { 'x-tenant-id': 'another' })).status).toBe(403)
    expect(incidents).toEqual(['header x-tenant-id'])
    expect((await get(token, { 'x-tenant-id': tenant.key })).status).toBe(429)
  })

  it('is told that it has no access, and not that it is blocked, once the tenant is suspended', async () => {
    const { wall, tokenOf, get } = await start({ refuseBlocked: true })
    const tenant = await createTestTenant(database)
    const token = await tokenOf(tenant)
    await get(token)
    expect((await get(token)).status).toBe(429)
    await database.admin("update public.tenants set status = 'suspended' where id = $1", [tenant.id])
    wall.tenants.invalidate(tenant.id)
    await expect.poll(async () => (await get(token)).status).toBe(403)
  })
})

describe('tokens that do not verify', () => {
  let database: TestDatabase
  beforeAll(async () => {
    database = await createTestDatabase()
  })

  async function start(failedTokens?: { failuresPerMinute: number; burstSize: number } | false) {
    const { wall, issuer } = await createTestWall(database, { failedTokens, audit: false })
    const app = express()
    app.set('trust proxy', true)
    app.use(tenantContextMiddleware(wall))
    app.get('/ping', (_request, response) => {
      response.json('pong')
    })
    app.use(tenantErrorHandler())
    const base = await serve(app)
    const get = (address: string, token?: string) =>
      fetch(`${base}/ping`, {
        headers: { 'x-forwarded-for': address, ...(token === undefined ? {} : { authorization: `Bearer ${token}` }) },
      })
    const tenant = await createTestTenant(database)
    const good = () => issuer.sign({ claims: { org_id: tenant.key, sub: tenant.userId } })
    return { get, good }
  }

  it('get 429 once their address has sent too many, IPv6 by /64; tokens that verify pass from there all the same', async () => {
    const { get, good } = await start({ failuresPerMinute: 3, burstSize: 3 })
    const statuses = async (addresses: readonly string[], token: string) => {
      const seen: number[] = []
      for (const address of addresses) seen.push((await get(address, token)).status)
      return seen
    }
    const block = ['2001:db8:0:1::1', '2001:db8:0:1::2', '2001:db8:0:1:ffff::3', '2001:db8:0:1::4']
    expect(await statuses(block, 'guessed')).toEqual([401, 401, 401, 429])
    const refused = await get('2001:db8:0:1::5', 'guessed')
    expect(Object.fromEntries(refused.headers)).toMatchObject({
      'retry-after': expect.stringMatching(/^[1-9]\d*$/),
      'www-authenticate': 'Bearer',
      'content-type': expect.stringContaining('application/problem+json'),
      'cache-control': 'no-store',
    })
    expect(await refused.json()).toEqual({
      type: 'https://iana.org/assignments/http-problem-types#quota-exceeded',
      title: 'Too many requests.',
      status: 429,
      code: 'PARTYWALL_RATE_LIMIT_EXCEEDED',
      instance: refused.headers.get('x-request-id'),
      retryAfter: Number(refused.headers.get('retry-after')),
      'violated-policies': ['failed-tokens'],
    })
    // Fresh tokens each: none of them is in the cache.
    for (const address of block) expect((await get(address, await good())).status).toBe(200)
    expect((await get('2001:db8:0:2::1', 'guessed')).status).toBe(401)
    expect((await get('192.0.2.1', 'guessed')).status).toBe(401)
  })

  it('count as failures alone: neither good tokens nor requests without any do', async () => {
    const { get, good } = await start({ failuresPerMinute: 1, burstSize: 1 })
    const token = await good()
    for (let i = 0; i < 5; i++) expect((await get('192.0.2.7', token)).status).toBe(200)
    for (let i = 0; i < 5; i++) expect((await get('192.0.2.7')).status).toBe(401)
    expect((await get('192.0.2.7', 'guessed')).status).toBe(401)
    expect((await get('192.0.2.7', 'guessed')).status).toBe(429)
    expect((await get('192.0.2.7')).status).toBe(401)
  })

  it('are limited by default, and not with failedTokens: false', async () => {
    const [byDefault, off] = [await start(), await start(false)]
    const last = async ({ get }: typeof off) => {
      let status = 0
      for (let i = 0; i < 15; i++) status = (await get('192.0.2.9', 'guessed')).status
      return status
    }
    expect(await last(off)).toBe(401)
    expect(await last(byDefault)).toBe(429)
  })
})
