import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import express5 from 'express'
import express4 from 'express-4'
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest'
import { runWithTenant } from '../../src/context/run-with-tenant.ts'
import { silentLogger } from '../../src/logger/logger.ts'
import { TenantRateLimiter } from '../../src/middleware/tenant-rate-limiter.ts'
import type { RateLimiterOptions } from '../../src/rate-limit/options.ts'
import { createRateLimiter } from '../../src/rate-limit/rate-limiter.ts'
import { createRedisStore } from '../../src/rate-limit/redis-store.ts'
import { redisForTests, startRedis } from '../setup/redis.ts'

let server: Awaited<ReturnType<typeof redisForTests>>
beforeAll(async () => {
  server = await redisForTests()
})
afterAll(() => server.stop())

const cleanups: (() => Promise<unknown>)[] = []
afterEach(async () => {
  for (const cleanup of cleanups.splice(0).reverse()) await cleanup()
})

const frameworks = { 'Express 5': express5, 'Express 4': express4 }

/** An app whose tenant is in the path, as a stand-in for the token; the limiter reads the context alone. */
async function start(express: typeof express5, options: Partial<RateLimiterOptions> = {}): Promise<string> {
  const limiter = createRateLimiter({
    store: createRedisStore(server.url),
    upgradeUrl: 'https://example.com/upgrade',
    logger: silentLogger,
    // A slow machine must not send anybody to the local counters.
    storeTimeoutMs: 20_000,
    ...options,
  })
  if (options.store === undefined) await limiter.ready()
  const app = express()
  app.use('/:tenant', (request, _response, next) => {
    const tenantId = request.params['tenant'] ?? ''
    runWithTenant({ tenantId, userId: 'u', tier: 'free', requestId: 'request-1' }, next)
  })
  app.use(new TenantRateLimiter({ limiter }).handler)
  app.get('/:tenant/ping', (_request, response) => {
    response.json({ pong: true })
  })
  const http = createServer(app)
  await new Promise<void>((resolve) => {
    http.listen(0, '127.0.0.1', resolve)
  })
  cleanups.push(
    () => limiter.close(),
    () =>
      new Promise((resolve) => {
        http.close(resolve)
        http.closeAllConnections()
      }),
  )
  return `http://127.0.0.1:${(http.address() as AddressInfo).port}`
}

let tenants = 0
const freshTenant = () => `web-${process.pid}-${++tenants}`

describe.each(Object.entries(frameworks))('TenantRateLimiter on %s', (_name, express) => {
  it('answers 429 to a free tenant that sends 65 requests, and 200 to its neighbour', async () => {
    const base = await start(express)
    const [a, b] = [freshTenant(), freshTenant()]
    const started = performance.now()
    const answers = await Promise.all(Array.from({ length: 65 }, () => fetch(`${base}/${a}/ping`)))
    const seconds = (performance.now() - started) / 1000
    const ok = answers.filter((answer) => answer.status === 200).length
    expect(ok).toBeGreaterThanOrEqual(10)
    expect(ok).toBeLessThanOrEqual(10 + Math.ceil(seconds))
    const refused = answers.find((answer) => answer.status === 429)
    expect(answers.filter((answer) => answer.status === 429)).toHaveLength(65 - ok)
    expect(Object.fromEntries(refused?.headers ?? [])).toMatchObject({
      'content-type': 'application/problem+json',
      'cache-control': 'no-store',
      'retry-after': '1',
      'x-ratelimit-limit-minute': '60',
      'x-ratelimit-limit-day': '1000',
      'x-ratelimit-limit-burst': '10',
      'x-ratelimit-remaining-burst': '0',
      'x-ratelimit-reset-minute': expect.stringMatching(/^\d+$/),
      'ratelimit-policy': '"burst";q=10;w=10, "minute";q=60;w=60, "day";q=1000;w=86400',
      ratelimit: expect.stringMatching(/^"burst";r=0;t=1, "minute";r=\d+;t=\d+, "day";r=\d+;t=\d+$/),
    })
    expect(await refused?.json()).toEqual({
      type: 'https://iana.org/assignments/http-problem-types#quota-exceeded',
      title: 'Too many requests.',
      status: 429,
      code: 'PARTYWALL_RATE_LIMIT_EXCEEDED',
      instance: 'request-1',
      limit: 10,
      retryAfter: 1,
      'violated-policies': ['burst'],
      upgradeUrl: 'https://example.com/upgrade',
    })
    const neighbour = await fetch(`${base}/${b}/ping`)
    expect(neighbour.status).toBe(200)
    expect(neighbour.headers.get('x-ratelimit-remaining-minute')).toBe('59')
    expect(neighbour.headers.get('retry-after')).toBeNull()
    // The refused requests were counted nowhere.
    const later = await fetch(`${base}/${a}/ping`)
    expect(Number(later.headers.get('x-ratelimit-remaining-day'))).toBeGreaterThanOrEqual(1000 - ok - 1)
  })

  it('answers 503 and never 429 while the store is down and the limiter is set to refuse', async () => {
    const gone = await startRedis()
    await gone.stop()
    const base = await start(express, {
      store: createRedisStore(gone.url),
      onStoreFailure: 'closed',
      // Nobody answers there: all of this time is waited.
      storeTimeoutMs: 250,
    })
    const answer = await fetch(`${base}/${freshTenant()}/ping`)
    expect(answer.status).toBe(503)
    expect(answer.headers.get('retry-after')).toBe('1')
    expect(await answer.json()).toMatchObject({
      type: 'https://iana.org/assignments/http-problem-types#temporary-reduced-capacity',
      code: 'PARTYWALL_DEPENDENCY_UNAVAILABLE',
      instance: 'request-1',
    })
  })

  it('lets nothing pass without a tenant context', async () => {
    const limiter = createRateLimiter({ store: createRedisStore(server.url), logger: silentLogger })
    cleanups.push(() => limiter.close())
    const handler = new TenantRateLimiter({ limiter }).handler
    const app = express()
    app.use(handler)
    let reached = false
    app.get('/ping', (_request, response) => {
      reached = true
      response.end()
    })
    const errors: unknown[] = []
    app.use(((error, _request, response, _next) => {
      errors.push(error)
      response.status(500).end()
    }) satisfies express5.ErrorRequestHandler)
    const http = createServer(app)
    await new Promise<void>((resolve) => {
      http.listen(0, '127.0.0.1', resolve)
    })
    cleanups.push(() => new Promise((resolve) => http.close(resolve)))
    const answer = await fetch(`http://127.0.0.1:${(http.address() as AddressInfo).port}/ping`)
    expect([answer.status, reached]).toEqual([500, false])
    expect(errors).toEqual([expect.objectContaining({ code: 'PARTYWALL_CONTEXT_MISSING' })])
  })
})

it('refuses a wall that limits nothing, before any request comes', () => {
  expect(() => new TenantRateLimiter({ limiter: undefined })).toThrow(/createPartywall\(\{ rateLimit/)
})
