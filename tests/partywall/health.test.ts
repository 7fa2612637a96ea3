import express from 'express'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { createRedisStore } from '../../src/rate-limit/redis-store.ts'
import { createTestDatabase, type TestDatabase } from '../setup/database.ts'
import { type RedisServer, startRedis } from '../setup/redis.ts'
import { TcpProxy } from '../setup/tcp-proxy.ts'
import { createTestWall, serve } from '../setup/wall.ts'

describe('the health of a wall', () => {
  let database: TestDatabase
  let redis: RedisServer
  let proxy: TcpProxy & { url: string }
  beforeAll(async () => {
    database = await createTestDatabase()
    redis = await startRedis()
    proxy = await TcpProxy.start(database.appUrl)
  })
  afterAll(async () => {
    await proxy.stop()
    await redis.stop()
  })

  async function start(
    health: { details?: boolean; cacheMs?: number } = {},
    limits: { onStoreFailure?: 'closed' } = {},
  ) {
    const { wall } = await createTestWall(database, {
      database: { url: proxy.url, max: 2 },
      tenants: { listenUrl: database.appUrl },
      rateLimit: { store: createRedisStore(redis.url), ...limits },
      audit: false,
      health,
    })
    await wall.ready()
    const app = express()
    app.use('/health', wall.health.handler)
    const base = await serve(app)
    const get = async (path: string) => {
      const answer = await fetch(`${base}/health/${path}`)
      return [answer.status, await answer.json()]
    }
    return { wall, get }
  }

  it('tells strangers whether it is ready, and of which dependencies only where that was asked for', async () => {
    const { get } = await start({ details: true })
    await expect
      .poll(() => get('ready'))
      .toEqual([200, { status: 'ready', dependencies: { database: 'up', keys: 'up', limits: 'up', tenants: 'up' } }])
    const plain = await start()
    await expect.poll(() => plain.get('ready')).toEqual([200, { status: 'ready' }])
  })

  it('lives without a look at any dependency, and looks at most once a second for readiness', async () => {
    const { get } = await start()
    await get('ready')
    proxy.reset()
    for (let i = 0; i < 20; i++) expect(await get('live')).toEqual([200, { status: 'live' }])
    expect(proxy.sequence).toBe('')
    const began = performance.now()
    for (let i = 0; i < 50; i++) await get('ready')
    const seconds = (performance.now() - began) / 1000
    expect(proxy.count('E') + proxy.count('Q')).toBeLessThanOrEqual(3 * Math.ceil(seconds + 1))
  })

  it('takes a process without its database out of service, and one without Redis not', async () => {
    const { get } = await start({ cacheMs: 0 })
    await expect.poll(() => get('ready')).toEqual([200, { status: 'ready' }])
    await redis.kill()
    await expect.poll(() => get('ready'), { timeout: 5000 }).toEqual([200, { status: 'degraded' }])
    proxy.refuseNew = true
    proxy.cut()
    await expect.poll(() => get('ready'), { timeout: 5000 }).toEqual([503, { status: 'unready' }])
    expect(await get('live')).toEqual([200, { status: 'live' }])
    proxy.refuseNew = false
    await redis.restart()
    await expect.poll(() => get('ready'), { timeout: 15_000 }).toEqual([200, { status: 'ready' }])
  })

  it('comes back by itself where no request brings its store back: it was out of service because of it', async () => {
    const { wall, get } = await start({ cacheMs: 0 }, { onStoreFailure: 'closed' })
    await redis.kill()
    await expect.poll(() => get('ready'), { timeout: 10_000 }).toEqual([503, { status: 'unready' }])
    expect(wall.limiter?.mode).toBe('closed')
    await redis.restart()
    await expect.poll(() => get('ready'), { timeout: 15_000 }).toEqual([200, { status: 'ready' }])
  })

  it('is unready from the moment that the wall closes', async () => {
    const { wall, get } = await start()
    await expect.poll(() => get('ready')).toEqual([200, { status: 'ready' }])
    const closed = wall.close({ timeoutMs: 500 })
    expect(await get('ready')).toEqual([503, { status: 'unready' }])
    await closed
  })
})
