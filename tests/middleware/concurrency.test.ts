import type { RequestListener } from 'node:http'
import { connect } from 'node:net'
import express from 'express'
import { describe, expect, it, vi } from 'vitest'
import { runWithTenant } from '../../src/context/run-with-tenant.ts'
import { silentLogger } from '../../src/logger/logger.ts'
import { tenantContextMiddleware } from '../../src/middleware/tenant-context.ts'
import { tenantErrorHandler } from '../../src/middleware/tenant-error-handler.ts'
import { TenantRateLimiter } from '../../src/middleware/tenant-rate-limiter.ts'
import { createMemoryStore } from '../../src/rate-limit/memory-store.ts'
import type { RateLimiterOptions } from '../../src/rate-limit/options.ts'
import { createRateLimiter, type RateLimiter } from '../../src/rate-limit/rate-limiter.ts'
import { afterFile } from '../setup/after-file.ts'
import { createTestDatabase, createTestTenant } from '../setup/database.ts'
import { createTestWall, serve } from '../setup/wall.ts'

type Finish = () => void
const roomy = { requestsPerMinute: 10_000, requestsPerDay: 10_000, burstSize: 10_000 }

/** Requests to `/slow` wait until the test ends them, one to `/stream` has sent its first half by then. */
async function start(options: Partial<RateLimiterOptions>) {
  const limiter = createRateLimiter({
    store: createMemoryStore(),
    tiers: { free: roomy, pro: roomy },
    logger: silentLogger,
    ...options,
  })
  afterFile(() => limiter.close())
  const app = express()
  app.use('/:tenant/:tier', (request, _response, next) => {
    const { tenant: tenantId, tier } = request.params
    runWithTenant({ tenantId, userId: 'u', tier, requestId: 'request-1' }, next)
  })
  app.use(new TenantRateLimiter({ limiter }).handler)
  const { running, routes } = heldRoutes()
  app.use(routes)
  return { base: await serve(app), limiter, running }
}

function heldRoutes() {
  const running: Finish[] = []
  const routes = express.Router()
  routes.get(['/slow', '/:tenant/:tier/slow'], (_request, response) => {
    running.push(() => response.end('late'))
  })
  routes.get('/:tenant/:tier/stream', (_request, response) => {
    response.write('first half, ')
    running.push(() => response.end('second half'))
  })
  routes.get(['/quick', '/:tenant/:tier/quick'], (_request, response) => {
    response.end('quick')
  })
  return { running, routes }
}

const someone = { userId: 'u', tier: 'free' }
/** Whether a tenant has nothing in flight, where its tier may have one request. */
const isFree = (limiter: RateLimiter, tenantId: string) => limiter.crowded({ ...someone, tenantId }) === undefined

function freePlaces(limiter: RateLimiter, tenantId: string): number {
  const taken: Finish[] = []
  while (isFree(limiter, tenantId)) taken.push(limiter.enter({ ...someone, tenantId }))
  for (const leave of taken) leave()
  return taken.length
}

const until = (check: () => void) => vi.waitFor(check, { timeout: 10_000, interval: 5 })

describe('rateLimit.concurrency', () => {
  it('answers 429 with its own problem type to a tenant whose slow requests are all in flight, and 200 to others', async () => {
    const refused: unknown[] = []
    const { base, running } = await start({ concurrency: 2, onDecision: ({ violated }) => refused.push(...violated) })
    const slow = [1, 2].map(() => fetch(`${base}/a/free/slow`))
    await until(() => expect(running).toHaveLength(2))
    const answer = await fetch(`${base}/a/free/quick`)
    expect(answer.status).toBe(429)
    expect(Object.fromEntries(answer.headers)).toMatchObject({
      'retry-after': '1',
      'cache-control': 'no-store',
      'content-type': 'application/problem+json',
    })
    expect(await answer.json()).toEqual({
      type: 'urn:partywall:problem#PARTYWALL_CONCURRENCY_EXCEEDED',
      title: 'Too many requests at the same time.',
      status: 429,
      code: 'PARTYWALL_CONCURRENCY_EXCEEDED',
      instance: 'request-1',
      limit: 2,
      retryAfter: 1,
    })
    expect(refused).toEqual(['concurrency'])
    expect((await fetch(`${base}/b/free/quick`)).status).toBe(200)
    for (const finish of running) finish()
    for (const one of slow) expect((await one).status).toBe(200)
    await until(async () => expect((await fetch(`${base}/a/free/quick`)).status).toBe(200))
  })

  it('counts a streaming answer until it ends', async () => {
    const { base, limiter, running } = await start({ concurrency: 1 })
    const stream = await fetch(`${base}/a/free/stream`)
    expect((await fetch(`${base}/a/free/quick`)).status).toBe(429)
    for (const finish of running) finish()
    expect(await stream.text()).toBe('first half, second half')
    await until(() => expect(isFree(limiter, 'a')).toBe(true))
  })

  it('takes a number for each tier: one that is left out has no limit, an unknown one the smallest', async () => {
    const { limiter } = await start({ concurrency: { free: 1 } })
    const enter = (tenantId: string, tier: string) => limiter.enter({ tenantId, tier })
    for (let round = 0; round < 20; round++) enter('paying', 'pro')
    for (const tier of ['free', 'unknown']) {
      enter(tier, tier)
      expect(() => enter(tier, tier)).toThrow(expect.objectContaining({ code: 'PARTYWALL_CONCURRENCY_EXCEEDED' }))
    }
  })

  it('refuses a tier that the limiter does not have', () => {
    const options = { store: createMemoryStore(), logger: silentLogger, concurrency: { enterprize: 4 } }
    expect(() => createRateLimiter(options)).toThrow(/concurrency/)
  })

  it('counts a request whose client has hung up until its handler ends it', async () => {
    const { base, limiter, running } = await start({ concurrency: 1 })
    const abort = new AbortController()
    const gone = fetch(`${base}/a/free/slow`, { signal: abort.signal })
    await until(() => expect(running).toHaveLength(1))
    abort.abort()
    await expect(gone).rejects.toMatchObject({ name: 'AbortError' })
    // The hang-up has arrived by the time that a later connection is served.
    expect((await fetch(`${base}/a/free/quick`)).status).toBe(429)
    for (const finish of running) finish()
    expect(isFree(limiter, 'a')).toBe(true)
  })

  it('counts a request once where the middleware is mounted twice', async () => {
    const limiter = createRateLimiter({ store: createMemoryStore(), logger: silentLogger, concurrency: 1 })
    afterFile(() => limiter.close())
    const { handler } = new TenantRateLimiter({ limiter })
    const app: RequestListener = (request, response) => {
      const fail = () => response.writeHead(500).end()
      runWithTenant({ tenantId: 'a', ...someone }, () =>
        handler(request, response, () => handler(request, response, (error) => (error ? fail() : response.end('ok')))),
      )
    }
    expect((await fetch(await serve(app))).status).toBe(200)
  })

  it('forgets pipelined requests whose connection broke, and so does closing the wall', async () => {
    const database = await createTestDatabase()
    const { wall, issuer } = await createTestWall(database, {
      rateLimit: { store: createMemoryStore(), tiers: { free: roomy }, concurrency: 5 },
    })
    const { limiter } = wall
    if (limiter === undefined) throw new Error('the wall has a limiter')
    const tenant = await createTestTenant(database)
    const token = await issuer.sign({ claims: { org_id: tenant.key, sub: tenant.userId } })
    const { running, routes } = heldRoutes()
    const app = express()
    app.use(tenantContextMiddleware(wall), new TenantRateLimiter({ limiter }).handler, routes, tenantErrorHandler())
    const base = new URL(await serve(app))
    const socket = connect(Number(base.port), base.hostname)
    const text = `GET /slow HTTP/1.1\r\nHost: ${base.host}\r\nAuthorization: Bearer ${token}\r\n\r\n`
    socket.write(text.repeat(5))
    await until(() => expect(running).toHaveLength(5))
    expect(limiter.crowded({ tenantId: tenant.id, tier: 'free' })).toBeDefined()
    socket.destroy()
    for (const finish of running) finish()
    await until(() => expect(freePlaces(limiter, tenant.id)).toBe(5))
    const started = performance.now()
    await wall.close({ timeoutMs: 60_000 })
    expect(performance.now() - started).toBeLessThan(30_000)
  })
})
