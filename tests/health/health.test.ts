import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import express from 'express'
import { afterEach, describe, expect, it } from 'vitest'
import { createHealth } from '../../src/health/health.ts'
import { limiterHealth } from '../../src/health/limiter-health.ts'
import { silentLogger } from '../../src/logger/logger.ts'
import { createRateLimiter } from '../../src/rate-limit/rate-limiter.ts'
import { createRedisStore } from '../../src/rate-limit/redis-store.ts'
import { startRedis } from '../setup/redis.ts'

const cleanups: (() => Promise<unknown>)[] = []
afterEach(async () => {
  for (const cleanup of cleanups.splice(0).reverse()) await cleanup()
})

async function serve(options: Parameters<typeof createHealth>[0]): Promise<string> {
  const app = express()
  app.use('/health', createHealth(options).handler)
  app.get('/other', (_request, response) => {
    response.end('other')
  })
  const http = createServer(app)
  await new Promise<void>((resolve) => {
    http.listen(0, '127.0.0.1', resolve)
  })
  cleanups.push(
    () =>
      new Promise((resolve) => {
        http.close(resolve)
        http.closeAllConnections()
      }),
  )
  const address = http.address() as AddressInfo
  return `http://127.0.0.1:${address.port}`
}

const down = () => Promise.reject(new Error('password of the database: hunter2'))

describe('/live', () => {
  it('answers 200 and asks no dependency', async () => {
    let asked = 0
    const base = await serve({
      checks: {
        database: async () => {
          asked++
        },
      },
    })
    const answer = await fetch(`${base}/health/live`)
    expect([answer.status, await answer.json(), asked]).toEqual([200, { status: 'live' }, 0])
  })
})

describe('/ready', () => {
  it('is 503 while a dependency is down, and tells strangers neither which nor why', async () => {
    const base = await serve({ checks: { database: down } })
    const answer = await fetch(`${base}/health/ready`)
    expect([answer.status, await answer.text()]).toEqual([503, '{"status":"unready"}'])
  })

  it('names the dependencies with details, and still no error', async () => {
    const base = await serve({
      details: true,
      checks: { database: down, redis: async () => 'degraded', queue: async () => {} },
    })
    const answer = await fetch(`${base}/health/ready`)
    expect(await answer.json()).toEqual({
      status: 'unready',
      dependencies: { database: 'down', redis: 'degraded', queue: 'up' },
    })
  })

  it('is 200 while a dependency is only degraded', async () => {
    const base = await serve({ checks: { redis: async () => 'degraded' } })
    const answer = await fetch(`${base}/health/ready`)
    expect([answer.status, await answer.json()]).toEqual([200, { status: 'degraded' }])
  })

  it('looks once a second however many ask', async () => {
    let asked = 0
    let time = 0
    const health = createHealth({
      now: () => time,
      checks: {
        database: async () => {
          asked++
        },
      },
    })
    await Promise.all(Array.from({ length: 50 }, () => health.ready()))
    time = 999
    await health.ready()
    expect(asked).toBe(1)
    time = 1000
    await health.ready()
    expect(asked).toBe(2)
  })

  it('takes a check that hangs for down', async () => {
    const health = createHealth({ timeoutMs: 20, checks: { database: () => new Promise(() => {}) } })
    expect(await health.ready()).toEqual({ status: 'unready' })
  })

  it('is 503 at once when the application closes', async () => {
    let open = true
    const health = createHealth({ checks: {}, open: () => open })
    expect(await health.ready()).toEqual({ status: 'ready' })
    open = false
    expect(await health.ready()).toEqual({ status: 'unready' })
  })

  it('passes other paths on', async () => {
    const base = await serve({ checks: {} })
    expect(await (await fetch(`${base}/other`)).text()).toBe('other')
  })
})

describe('the health of a limiter', () => {
  it.each([
    { onStoreFailure: 'local' as const, state: 'degraded' },
    { onStoreFailure: 'closed' as const, state: 'down' },
  ])(
    'is up while Redis answers, and $state without it when set to $onStoreFailure',
    async ({ onStoreFailure, state }) => {
      const server = await startRedis()
      const limiter = createRateLimiter({ store: createRedisStore(server.url), onStoreFailure, logger: silentLogger })
      cleanups.push(
        () => server.stop(),
        () => limiter.close(),
      )
      await limiter.ready()
      const check = limiterHealth(limiter)
      expect(await check()).toBe('up')
      await server.kill()
      await expect.poll(check, { interval: 20 }).toBe(state)
    },
  )
})
