import { execFile } from 'node:child_process'
import { existsSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'
import { Cluster, Redis } from 'ioredis'
import { createCluster } from 'redis'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { z } from 'zod'
import { createRedisStore } from '../../src/rate-limit/redis-store.ts'
import type { RateLimitStore, Scope } from '../../src/rate-limit/store.ts'
import { type RedisServer, startRedis } from '../setup/redis.ts'
import { type RedisCluster, startRedisCluster } from '../setup/redis-cluster.ts'

const callerProcess = fileURLToPath(new URL('./caller-process.mjs', import.meta.url))
const built = fileURLToPath(new URL('../../dist/src/rate-limit/index.js', import.meta.url))
const resultSchema = z.object({ admittedAt: z.array(z.number()), calls: z.number(), errors: z.array(z.string()) })

interface Hammering {
  readonly limits: { readonly requestsPerMinute: number; readonly requestsPerDay: number; readonly burstSize: number }
  readonly forMs?: number
  /** What each process believes the time to be. */
  readonly clockShiftsMs?: readonly number[]
}

/** Four processes with 50 callers each on one tenant; all admissions in the order of the store's clock. */
async function hammer(url: string, tenantId: string, { limits, forMs = 600, clockShiftsMs = [0, 0, 0, 0] }: Hammering) {
  const results = await Promise.all(
    clockShiftsMs.map(async (clockShiftMs) => {
      const argument = JSON.stringify({ url, tenantId, tiers: { free: limits }, callers: 50, forMs, clockShiftMs })
      const { stdout } = await promisify(execFile)(process.execPath, [callerProcess, argument], { maxBuffer: 1 << 27 })
      return resultSchema.parse(JSON.parse(stdout))
    }),
  )
  return {
    admittedAt: results.flatMap((result) => result.admittedAt).sort((a, b) => a - b),
    calls: results.reduce((sum, result) => sum + result.calls, 0),
    errors: results.flatMap((result) => result.errors),
  }
}

/** The most admissions by which any stretch of time exceeds `burst + seconds * rate`; never more than 0. */
function excess(admittedAt: readonly number[], burst: number, perMinute: number): number {
  const token = Math.ceil(60_000_000 / perMinute)
  let worst = Number.NEGATIVE_INFINITY
  // admissions(i..j) - (t_j - t_i) / token is largest for the smallest (i - t_i / token) seen so far.
  let least = Number.POSITIVE_INFINITY
  admittedAt.forEach((at, index) => {
    least = Math.min(least, index - at / token)
    worst = Math.max(worst, index + 1 - at / token - least - burst)
  })
  return worst
}

let tenants = 0
const freshTenant = () => `exact-${process.pid}-${++tenants}`

describe('four processes with fifty callers each', () => {
  let server: RedisServer
  let admin: Redis
  beforeAll(async () => {
    if (!existsSync(built)) throw new Error('dist is missing. Run `node scripts/build.mjs` (npm test does).')
    server = await startRedis()
    admin = new Redis(server.port)
  })
  afterAll(async () => {
    admin.disconnect()
    await server.stop()
  })

  it('never get one more than burst + elapsed × rate, also while the scripts are flushed all the time', async () => {
    const flushing = setInterval(() => void admin.script('FLUSH'), 20)
    const limits = { requestsPerMinute: 6000, requestsPerDay: 1_000_000, burstSize: 50 }
    const { admittedAt, calls, errors } = await hammer(server.url, freshTenant(), { limits, forMs: 1000 })
    clearInterval(flushing)
    expect(errors).toEqual([])
    expect(admittedAt.length).toBeGreaterThan(60)
    expect(calls).toBeGreaterThan(admittedAt.length * 5)
    expect(excess(admittedAt, 50, 6000)).toBeLessThanOrEqual(1e-6)
  })

  it('get exactly the minute, and refused calls are counted nowhere', async () => {
    const tenantId = freshTenant()
    const limits = { requestsPerMinute: 60, requestsPerDay: 1000, burstSize: 60 }
    const { admittedAt, calls } = await hammer(server.url, tenantId, {
      limits,
      clockShiftsMs: [0, 3_600_000, -3_600_000, 90_000_000],
    })
    // 60 at once; the bucket gives more, but the minute does not.
    expect(admittedAt).toHaveLength(60)
    expect(calls).toBeGreaterThan(1000)
    const store = createRedisStore(server.url)
    const scope: Scope = { kind: 'tenant', key: `{${tenantId}}`, limits: { perMinute: 60, perDay: 1000, burst: 60 } }
    const { scopes } = await store.decide([scope], 0)
    expect(scopes[0]?.counters).toMatchObject({ inMinute: 60, inDay: 60 })
    await store.close()
  })

  it('get exactly the day', async () => {
    const limits = { requestsPerMinute: 500, requestsPerDay: 500, burstSize: 500 }
    const { admittedAt } = await hammer(server.url, freshTenant(), { limits })
    expect(admittedAt).toHaveLength(500)
  })
})

const minuteOf300 = (key: string): Scope => ({
  kind: 'tenant',
  key,
  limits: { perMinute: 300, perDay: 1000, burst: 300 },
})

async function admittedOf(store: RateLimitStore, scope: Scope, count: number): Promise<number> {
  const replies = await Promise.all(Array.from({ length: count }, () => store.decide([scope], 1)))
  return replies.filter((reply) => reply.admitted).length
}

async function connected(store: RateLimitStore): Promise<RateLimitStore> {
  await expect
    .poll(
      () =>
        store.ping().then(
          () => true,
          () => false,
        ),
      { timeout: 10_000 },
    )
    .toBe(true)
  return store
}

describe('after a crash of Redis', () => {
  it.each([
    { persistence: 'none', config: {}, inAll: 600, promise: 'one fresh quota' },
    {
      persistence: 'the append-only file',
      config: { appendonly: 'yes', appendfsync: 'everysec' },
      inAll: 300,
      promise: 'nothing more',
    },
  ])('with persistence by $persistence a tenant gets $promise', async ({ config, inAll }) => {
    const server = await startRedis({ config })
    const before = await connected(createRedisStore(server.url))
    const first = await admittedOf(before, minuteOf300('{crash}'), 400)
    await before.close()
    await server.kill()
    await server.restart()
    const after = await connected(createRedisStore(server.url))
    expect(first + (await admittedOf(after, minuteOf300('{crash}'), 400))).toBe(inAll)
    await after.close()
    await server.stop()
  })

  it('a promoted replica goes on from what was replicated: at most the lag is admitted twice', async () => {
    const primary = await startRedis()
    const replica = await startRedis({ config: { replicaof: `127.0.0.1 ${primary.port}` } })
    const [onPrimary, onReplica] = [new Redis(primary.port), new Redis(replica.port)]
    await expect
      .poll(async () => (await onReplica.info('replication')).includes('master_link_status:up'), { timeout: 10_000 })
      .toBe(true)
    const before = await connected(createRedisStore(primary.url))
    const first = await admittedOf(before, minuteOf300('{failover}'), 200)
    await before.close()
    // What is lost in a fail-over is what the replica had not got. WAIT would ask for writes of its own connection only.
    const offset = async (redis: Redis, name: string) =>
      new RegExp(`${name}:(\\d+)`).exec(await redis.info('replication'))?.[1] ?? expect.fail(`no ${name}`)
    const reached = await offset(onPrimary, 'master_repl_offset')
    await expect
      .poll(async () => Number(await offset(onReplica, 'slave_repl_offset')) >= Number(reached), { timeout: 20_000 })
      .toBe(true)
    onPrimary.disconnect()
    await primary.kill()
    await onReplica.replicaof('NO', 'ONE')
    const after = await connected(createRedisStore(replica.url))
    expect(first + (await admittedOf(after, minuteOf300('{failover}'), 400))).toBe(300)
    await after.close()
    onReplica.disconnect()
    await Promise.all([primary.stop(), replica.stop()])
  })
})

describe('on a Redis Cluster of three masters', () => {
  let cluster: RedisCluster
  beforeAll(async () => {
    cluster = await startRedisCluster()
  })
  afterAll(() => cluster.stop())

  const stores: Record<string, () => RateLimitStore> = {
    ioredis: () =>
      createRedisStore(
        new Cluster(
          cluster.nodes.map((node) => ({ host: '127.0.0.1', port: node.port })),
          { lazyConnect: true },
        ),
      ),
    'node-redis': () =>
      createRedisStore(createCluster({ rootNodes: cluster.nodes.map((node) => ({ url: node.url })) })),
  }

  it.each(Object.keys(stores))(
    '%s gives each of 100 tenants its burst, after the scripts were flushed too',
    async (client) => {
      const store = await connected(stores[client]?.() ?? expect.fail('no client'))
      const scopeOf = (tenant: string): Scope[] => [
        { kind: 'tenant', key: `{${tenant}}`, limits: { perMinute: 10, perDay: 100, burst: 10 } },
        { kind: 'user', key: `{${tenant}}:u:1`, limits: { perMinute: 10, perDay: 0, burst: 10 } },
      ]
      const names = Array.from({ length: 100 }, (_, index) => `${client}-${index}`)
      for (const half of [names.slice(0, 50), names.slice(50)]) {
        await cluster.onEach('SCRIPT', 'FLUSH')
        const counts = await Promise.all(
          half.map(async (tenant) => {
            const replies = await Promise.all(Array.from({ length: 20 }, () => store.decide(scopeOf(tenant), 1)))
            return replies.filter((reply) => reply.admitted).length
          }),
        )
        expect(new Set(counts)).toEqual(new Set([10]))
      }
      await store.close()
    },
  )

  it.each(Object.keys(stores))(
    '%s admits no request twice while the tenant’s slot moves to another master',
    async (client) => {
      const store = await connected(stores[client]?.() ?? expect.fail('no client'))
      const scope = minuteOf300(`{moving-${client}}`)
      let admitted = 0
      let refusedAfterMove = 0
      let moved = false
      let asking = true
      const errors: unknown[] = []
      async function caller(): Promise<void> {
        while (asking) {
          const after = moved
          try {
            if ((await store.decide([scope], 1)).admitted) admitted++
            else if (after) refusedAfterMove++
          } catch (error) {
            errors.push(error)
          }
        }
      }
      const callers = Array.from({ length: 8 }, caller)
      await cluster.moveSlotOf(`partywall:rl:${scope.key}`).finally(() => {
        moved = true
      })
      // The new master refuses too: it knows what the old one admitted.
      await expect.poll(() => refusedAfterMove, { timeout: 20_000 }).toBeGreaterThan(100)
      asking = false
      await Promise.all(callers)
      expect(errors).toEqual([])
      expect(admitted).toBe(300)
      await store.close()
    },
  )
})
