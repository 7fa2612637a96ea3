import { type AddressInfo, connect, createServer, type Socket } from 'node:net'
import { Redis } from 'ioredis'
import { createClient } from 'redis'
import { describe, expect, it } from 'vitest'
import { createSecurityEvents } from '../../src/events/security-events.ts'
import { silentLogger } from '../../src/logger/logger.ts'
import type { RateLimiterOptions } from '../../src/rate-limit/options.ts'
import { createRateLimiter, type RateLimiter } from '../../src/rate-limit/rate-limiter.ts'
import type { RedisClient } from '../../src/rate-limit/redis-client.ts'
import { createRedisStore } from '../../src/rate-limit/redis-store.ts'
import { type RedisServer, startRedis } from '../setup/redis.ts'

const tiers = { free: { requestsPerMinute: 1_000_000, requestsPerDay: 100_000_000, burstSize: 1_000_000 } }

interface Bench {
  readonly server: RedisServer
  readonly limiter: RateLimiter
  /** Each mode that was told to listeners, in order. */
  readonly modes: string[]
  readonly errors: string[]
  /** Another connection to the server, for the test's own commands. */
  readonly admin: Redis
  stop(): Promise<void>
}

interface Setup {
  readonly clientOf?: (server: RedisServer, port: number) => RedisClient | string
  readonly options?: Partial<RateLimiterOptions>
  readonly port?: number
}

async function start(server: RedisServer, { clientOf, options, port = server.port }: Setup = {}): Promise<Bench> {
  const modes: string[] = []
  const errors: string[] = []
  const events = createSecurityEvents()
  events.on('LIMITER_MODE', ({ mode }) => modes.push(mode))
  const client = clientOf?.(server, port) ?? new Redis({ port, host: '127.0.0.1', lazyConnect: true })
  const logger = { ...silentLogger, error: (_fields: object, message: string) => errors.push(message) }
  const limiter = createRateLimiter({ store: createRedisStore(client), tiers, events, logger, ...options })
  await limiter.ready()
  const admin = new Redis({ port: server.port, host: '127.0.0.1', retryStrategy: () => 50 })
  admin.on('error', () => {})
  return {
    server,
    limiter,
    modes,
    errors,
    admin,
    async stop() {
      admin.disconnect()
      await limiter.close()
      await server.stop()
    },
  }
}

/** What a decision may take, by the requirement; and the longest that a test waits for one. */
const DECISION_MS = 150

/**
 * Eight callers, each pausing between its calls, for a while and for enough calls to speak of one in a hundred.
 *
 * A decision is late where a timer of 150 ms, started with it, fires first. Timers and decisions share one event loop, so a
 * machine that stalls delays both alike: what is measured is the limiter, not the machine.
 */
async function load({ limiter }: Pick<Bench, 'limiter'>, { forMs, calls = 300 }: { forMs: number; calls?: number }) {
  const outcomes = new Map<string, number>()
  let [decided, late] = [0, 0]
  const end = performance.now() + forMs
  async function caller(): Promise<void> {
    while (performance.now() < end || decided < calls) {
      const answer = limiter.check({ tenantId: 'acme', tier: 'free' })
      const decision = await Promise.race([answer, overdue(DECISION_MS)])
      decided++
      if (decision === undefined) late++
      else {
        const { outcome, mode } = decision
        outcomes.set(`${outcome}/${mode}`, (outcomes.get(`${outcome}/${mode}`) ?? 0) + 1)
      }
      await pause(8)
    }
  }
  await Promise.all(Array.from({ length: 8 }, caller))
  return { late: late / decided, outcomes }
}

/** Of a hundred decisions one may be late: the 99th percentile. */
const ONE_PERCENT = 0.01

/** The time-out, and then two turns of the loop: one in which answers that lie unread are read, and one for what follows from it. */
function overdue(ms: number): Promise<undefined> {
  return new Promise((resolve) => {
    setTimeout(() => setImmediate(() => setImmediate(() => setImmediate(() => resolve(undefined)))), ms)
  })
}

const pause = (ms: number) =>
  new Promise<void>((resolve) => {
    setTimeout(resolve, ms)
  })

const TICK_MS = 20

/**
 * Milliseconds until decisions come from the store again, while the server can answer.
 *
 * Beside each look at the limiter, a plain client asks the same server. A tick counts only where that client was answered in it:
 * the time in which the machine lets nobody through is not the limiter's.
 */
async function recovery({ limiter, admin }: Pick<Bench, 'limiter' | 'admin'>): Promise<number> {
  const giveUp = performance.now() + 20_000
  let counted = 0
  while (performance.now() < giveUp) {
    const { mode } = await limiter.check({ tenantId: 'acme', tier: 'free' })
    if (mode === 'store' && limiter.mode === 'store') return counted
    let answered = false
    const ping = admin.status === 'ready' ? admin.ping() : Promise.reject(new Error('not connected'))
    ping.then(
      () => {
        answered = true
      },
      () => {},
    )
    await pause(TICK_MS)
    if (answered) counted += TICK_MS
  }
  return Number.POSITIVE_INFINITY
}

interface Fault {
  readonly name: string
  readonly breakIt: (bench: Bench) => unknown
  readonly repair: (bench: Bench) => unknown
}

const faults: readonly Fault[] = [
  { name: 'is killed', breakIt: ({ server }) => server.kill(), repair: ({ server }) => server.restart() },
  { name: 'hangs (SIGSTOP)', breakIt: ({ server }) => server.pause(), repair: ({ server }) => server.resume() },
  {
    name: 'pauses its clients',
    breakIt: ({ admin }) => admin.client('PAUSE', 1500, 'ALL'),
    // The pause may be over by now: the limiter must be back either way.
    repair: () => pause(600),
  },
  {
    name: 'is out of memory',
    breakIt: ({ admin }) => admin.config('SET', 'maxmemory', '1'),
    repair: ({ admin }) => admin.config('SET', 'maxmemory', '0'),
  },
  {
    name: 'wants another password',
    async breakIt({ admin }) {
      await admin.config('SET', 'requirepass', 'changed')
      await admin.call('CLIENT', 'KILL', 'TYPE', 'normal', 'SKIPME', 'yes')
    },
    repair: ({ admin }) => admin.config('SET', 'requirepass', ''),
  },
  {
    name: 'has become a read-only replica',
    breakIt: ({ admin }) => admin.replicaof('127.0.0.1', 1),
    repair: ({ admin }) => admin.replicaof('NO', 'ONE'),
  },
]

const clients = {
  ioredis: undefined,
  'node-redis': (_server: RedisServer, port: number) => createClient({ socket: { port, host: '127.0.0.1' } }),
}

const cases = Object.entries(clients).flatMap(([client, clientOf]) =>
  faults.map((fault) => ({ ...fault, client, clientOf })),
)

describe('when the Redis server', () => {
  it.concurrent.each(cases)('$name, $client goes on fast with its share and is back within 2 s', async (fault) => {
    const bench = await start(await startRedis(), fault.clientOf === undefined ? {} : { clientOf: fault.clientOf })
    try {
      await load(bench, { forMs: 100, calls: 20 })
      await recovery(bench)
      bench.modes.splice(0)
      bench.errors.splice(0)
      await fault.breakIt(bench)
      const during = await load(bench, { forMs: 900 })
      expect(during.late).toBeLessThanOrEqual(ONE_PERCENT)
      expect(during.outcomes.get('admitted/local')).toBeGreaterThan(0)
      // Not the mode of this moment: a slow machine may be past the end of a pause.
      expect(bench.modes[0]).toBe('local')
      await fault.repair(bench)
      expect(await recovery(bench)).toBeLessThan(2000)
      // Told once for each change, however many requests met the fault.
      expect(bench.modes.filter((mode, index) => mode !== (index % 2 === 0 ? 'local' : 'store'))).toEqual([])
      expect(bench.errors).toHaveLength(bench.modes.length / 2)
    } finally {
      await bench.stop()
    }
  })

  it.concurrent('is slow, decisions wait for it up to the time-out and no longer', async ({ expect }) => {
    const server = await startRedis()
    const proxy = await slowProxy(server.port)
    const bench = await start(server, { port: proxy.port })
    try {
      proxy.delayMs = 40
      const slow = await load(bench, { forMs: 600 })
      expect(slow.late).toBeLessThanOrEqual(ONE_PERCENT)
      // On a machine that adds 60 ms to each answer, the store is too slow; else it decides.
      await expect
        .poll(async () => (await bench.limiter.check({ tenantId: 'acme', tier: 'free' })).mode, { timeout: 15_000 })
        .toBe('store')
      proxy.delayMs = 300
      const slower = await load(bench, { forMs: 900 })
      expect(slower.late).toBeLessThanOrEqual(ONE_PERCENT)
      expect(bench.limiter.mode).toBe('local')
      proxy.delayMs = 0
      expect(await recovery(bench)).toBeLessThan(2000)
    } finally {
      await bench.stop()
      await proxy.stop()
    }
  })

  it.concurrent('comes back empty, it goes on with fresh counters and its script', async () => {
    const bench = await start(await startRedis())
    try {
      await bench.server.kill()
      await bench.server.restart()
      await load(bench, { forMs: 50, calls: 20 })
      expect(await recovery(bench)).toBeLessThan(2000)
      const usage = await bench.limiter.usage('acme', { tier: 'free' })
      expect(usage.mode).toBe('store')
    } finally {
      await bench.stop()
    }
  })

  it.concurrent('is down from the start, the first requests are answered too', async () => {
    const server = await startRedis()
    await server.kill()
    const store = createRedisStore(server.url)
    const limiter = createRateLimiter({ store, tiers, logger: silentLogger })
    try {
      const during = await load({ limiter }, { forMs: 300 })
      expect(during.late).toBeLessThanOrEqual(ONE_PERCENT)
      expect([...during.outcomes.keys()]).toEqual(['admitted/local'])
      await expect(limiter.ready({ timeoutMs: 200 })).rejects.toMatchObject({
        code: 'PARTYWALL_DEPENDENCY_UNAVAILABLE',
      })
    } finally {
      await limiter.close()
      await server.stop()
    }
  })

  it.concurrent('hangs, changes by hand are given up and not taken for done', async ({ expect }) => {
    const bench = await start(await startRedis())
    try {
      await bench.server.pause()
      const more = { requestsPerMinute: 5, requestsPerDay: 5, burstSize: 5 }
      const unavailable = { code: 'PARTYWALL_DEPENDENCY_UNAVAILABLE' }
      await expect(bench.limiter.reset('acme', { reason: 'test' })).rejects.toMatchObject(unavailable)
      await expect(bench.limiter.override('acme', more, { reason: 'test' })).rejects.toMatchObject(unavailable)
      expect((await bench.limiter.usage('acme', { tier: 'free' })).mode).toBe('local')
      await bench.server.resume()
    } finally {
      await bench.stop()
    }
  })

  it.concurrent('is down, each process enforces its share of the limits', async () => {
    const own = { free: { requestsPerMinute: 60, requestsPerDay: 1000, burstSize: 10 } }
    const bench = await start(await startRedis(), { options: { tiers: own, instances: 4, denyCacheMs: 0 } })
    try {
      await bench.server.kill()
      const decisions = await Promise.all(
        Array.from({ length: 30 }, () => bench.limiter.check({ tenantId: 'acme', tier: 'free' })),
      )
      const admitted = decisions.filter((decision) => decision.outcome === 'admitted')
      expect(admitted).toHaveLength(3)
      expect(decisions[0]?.limits.map((state) => state.limit)).toEqual([3, 15, 250])
    } finally {
      await bench.stop()
    }
  })

  it.concurrent.each([
    { onStoreFailure: 'closed' as const, outcome: 'unavailable' },
    { onStoreFailure: 'open' as const, outcome: 'admitted' },
  ])(
    'is down and the limiter is set to $onStoreFailure, each request is $outcome',
    async ({ onStoreFailure, outcome }) => {
      const bench = await start(await startRedis(), { options: { onStoreFailure } })
      try {
        await bench.server.kill()
        const { outcomes } = await load(bench, { forMs: 100, calls: 50 })
        expect([...outcomes.keys()]).toEqual([`${outcome}/${onStoreFailure}`])
        expect(bench.modes).toEqual([onStoreFailure])
        if (onStoreFailure === 'closed') {
          await expect(bench.limiter.consume({ tenantId: 'acme', tier: 'free' })).rejects.toMatchObject({
            code: 'PARTYWALL_DEPENDENCY_UNAVAILABLE',
          })
        }
      } finally {
        await bench.stop()
      }
    },
  )
})

/** Passes bytes on after a delay that the test sets. */
async function slowProxy(target: number) {
  const sockets = new Set<Socket>()
  const state = { delayMs: 0 }
  const server = createServer((near) => {
    const far = connect(target, '127.0.0.1')
    for (const [from, to] of [
      [near, far],
      [far, near],
    ] as const) {
      sockets.add(from)
      from.on('error', () => {})
      from.on('data', (chunk) => {
        if (from === near || state.delayMs === 0) to.write(chunk)
        else setTimeout(() => to.write(chunk), state.delayMs)
      })
      from.on('close', () => to.destroy())
    }
  })
  await new Promise<void>((resolve) => {
    server.listen(0, '127.0.0.1', resolve)
  })
  return {
    port: (server.address() as AddressInfo).port,
    set delayMs(ms: number) {
      state.delayMs = ms
    },
    async stop() {
      for (const socket of sockets) socket.destroy()
      await new Promise((resolve) => {
        server.close(resolve)
      })
    },
  }
}
