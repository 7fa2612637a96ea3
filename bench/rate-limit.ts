// Question: what does one decision over a burst, a minute and a day cost, and what does a remembered refusal cost? Compared with one bare
// EVALSHA on the same client, and with other libraries that enforce the same three limits. None of them decides the three limits
// atomically: they send three scripts at once and wait for all. partywall decides them in one script, and decisions of one turn of the
// event loop share a call. With one caller, decisions share nothing. The bench also prints the CPU time of both processes, which other load
// distorts less. If a decision falls below 0.65 of the bare call, make the script or the code around it faster.
import { createHash } from 'node:crypto'
import { Redis } from 'ioredis'
import { silentLogger } from '../src/logger/logger.ts'
import { createRateLimiter } from '../src/rate-limit/rate-limiter.ts'
import { createRedisStore } from '../src/rate-limit/redis-store.ts'
import { redisForTests } from '../tests/setup/redis.ts'
import type { Bench, BenchOptions, BenchReport } from './harness/contract.ts'
import { loadPeers, PEERS_MISSING } from './harness/rate-limit-peers.ts'
import { judge, median, percentile } from './harness/ratio.ts'
import { throughput } from './harness/throughput.ts'

const BARE = `local n = redis.call('INCR', KEYS[1])
redis.call('PEXPIRE', KEYS[1], ARGV[1])
return n`
const TENANTS = 1024
const HUGE = { requestsPerMinute: 10_000_000, requestsPerDay: 1_000_000_000, burstSize: 10_000_000 }
const TINY = { requestsPerMinute: 1, requestsPerDay: 1, burstSize: 1 }
// Measure the sides in short alternating slices, so that other load on the machine affects all of them.
const SLICE_MS = 120
const SLICES = 3

export const bench: Bench = {
  name: 'rate-limit',
  question: 'what one decision over three limits costs, and what a refusal that is already known costs',
  run,
}

interface Side {
  readonly name: string
  call(index: number): Promise<unknown>
}

async function run({ runs, log }: BenchOptions): Promise<BenchReport> {
  const server = await redisForTests()
  const redis = new Redis(server.url)
  const tiers = { free: HUGE, tiny: TINY }
  const common = { tiers, logger: silentLogger, storeTimeoutMs: 5000, onStoreFailure: 'closed' as const }
  const limiter = createRateLimiter({ store: createRedisStore(redis), ...common })
  const uncached = createRateLimiter({ store: createRedisStore(redis), ...common, denyCacheMs: 0 })
  try {
    await Promise.all([limiter.ready(), uncached.ready()])
    const failures: string[] = []
    const sha = createHash('sha1').update(BARE).digest('hex')
    await redis.script('LOAD', BARE)
    const tenant = (index: number) => `t${index % TENANTS}`
    const wrong = new Map<string, number>()
    const expectAll =
      (side: string, outcome: string) => (decision: { readonly outcome: string; readonly mode: string }) => {
        if (decision.outcome !== outcome || decision.mode !== 'store') wrong.set(side, (wrong.get(side) ?? 0) + 1)
      }
    const admitted = expectAll('ours, admitted', 'admitted')
    const refused = expectAll('ours, refused', 'limited')
    await uncached.check({ tenantId: 'blocked', tier: 'tiny' })
    const peers = loadPeers(redis)
    if (peers.length === 0) log(PEERS_MISSING)
    const sides: Side[] = [
      {
        name: 'bare',
        call: (index) => redis.evalsha(sha, 1, `bare:{${tenant(index)}}`, '60000'),
      },
      {
        name: 'ours, admitted',
        call: (index) => limiter.check({ tenantId: tenant(index), tier: 'free' }).then(admitted),
      },
      {
        name: 'ours, refused by the store',
        call: () => uncached.check({ tenantId: 'blocked', tier: 'tiny' }).then(refused),
      },
      {
        name: 'ours, refused from the cache',
        call: () => limiter.check({ tenantId: 'blocked', tier: 'tiny' }).then(refused),
      },
      ...peers.map((peer) => ({
        name: peer.name,
        call: (index: number) => peer.decide(tenant(index)),
      })),
    ]
    const rates = new Map<string, number[]>()
    const p99s = new Map<string, number[]>()
    const cpu = new Map<string, number[]>()
    const serverMicros = async () => {
      const used = await redis.info('cpu')
      return [...used.matchAll(/^used_cpu_(?:sys|user):([\d.]+)/gm)].reduce((sum, [, s]) => sum + Number(s) * 1e6, 0)
    }
    for (const side of sides) await throughput(side.call, { callers: 32, forMs: 150 })
    for (let round = 0; round < runs; round++) {
      log(`run ${round + 1} of ${runs}`)
      for (const callers of [1, 32, 256]) {
        const slices = new Map<string, number[]>()
        const latencies = new Map<string, number[]>()
        for (let slice = 0; slice < SLICES; slice++) {
          for (const side of sides) {
            const [serverBefore, clientBefore] = [await serverMicros(), process.cpuUsage()]
            const { perSecond, latenciesMs } = await throughput(side.call, { callers, forMs: SLICE_MS })
            const { user, system } = process.cpuUsage(clientBefore)
            const spent = user + system + (await serverMicros()) - serverBefore
            append(cpu, `${side.name} @${callers}`, spent / latenciesMs.length)
            append(slices, side.name, perSecond)
            append(latencies, side.name, percentile(latenciesMs, 0.99))
          }
        }
        for (const [name, values] of slices) append(rates, `${name} @${callers}`, median(values))
        for (const [name, values] of latencies) append(p99s, `${name} @${callers}`, median(values))
      }
    }
    for (const [side, count] of wrong) failures.push(`${side}: ${count} decisions were not what they should be`)
    const ratios = (over: string, under: string) =>
      (rates.get(over) ?? []).map((rate, index) => rate / (rates.get(under)?.[index] ?? Number.NaN))
    const goals = [
      judge(
        'one decision (minute, day, burst), 32 callers, x one bare EVALSHA',
        ratios('ours, admitted @32', 'bare @32'),
        0.65,
      ),
      judge(
        'refusal of a blocked tenant x a Redis trip, 1 caller',
        ratios('ours, refused from the cache @1', 'bare @1'),
        50,
      ),
    ]
    const best = [...peers].sort(
      (a, b) => median(rates.get(`${b.name} @32`) ?? [0]) - median(rates.get(`${a.name} @32`) ?? [0]),
    )[0]
    if (best !== undefined) {
      goals.push(
        judge(
          `one decision, 32 callers, x the best peer (${best.name})`,
          ratios('ours, admitted @32', `${best.name} @32`),
          2.5,
        ),
      )
    }
    return {
      goals,
      failures,
      details: {
        redis: /redis_version:(\S+)/.exec(await redis.info('server'))?.[1],
        peers: peers.length === 0 ? PEERS_MISSING : peers.map((peer) => peer.name),
        perSecond: Object.fromEntries([...rates].map(([name, values]) => [name, Math.round(median(values))])),
        cpuMicrosPerDecision: Object.fromEntries(
          [...cpu].map(([name, values]) => [name, Math.round(median(values) * 10) / 10]),
        ),
        p99Ms: Object.fromEntries([...p99s].map(([name, values]) => [name, Math.round(median(values) * 100) / 100])),
      },
    }
  } finally {
    await limiter.close()
    await uncached.close()
    redis.disconnect()
    await server.stop()
  }
}

function append(map: Map<string, number[]>, key: string, value: number): void {
  const values = map.get(key) ?? []
  values.push(value)
  map.set(key, values)
}
