// Question: what does isolation cost, and how much does a single round trip save? One table, one login, all ways side by side in each run.
// If a goal is missed, look at the hooks of TenantQuery (client) and at partywall.tenant_id() (server).
import type { Bench, BenchGoal, BenchOptions, BenchReport } from './harness/contract.ts'
import { startLatencyProxy } from './harness/latency-proxy.ts'
import { judge, median, percentile } from './harness/ratio.ts'
import { throughput } from './harness/throughput.ts'
import { openStage, type Stage } from './isolation/stage.ts'
import { drizzleTransaction, partywall, postgresJs, rawPg, transactionPg, type Way } from './isolation/ways.ts'

const FOR_MS = 700
const CALLERS = [1, 32]

interface Sample {
  readonly perSecond: number
  readonly p50: number
  readonly p99: number
}

async function measure(way: Way, stage: Stage, callers: number, failures: string[], forMs = FOR_MS): Promise<Sample> {
  const { tenants, rowsPerTenant } = stage
  const { perSecond, latenciesMs } = await throughput(
    async (index) => {
      const tenant = tenants[index % tenants.length]
      if (tenant === undefined) throw new Error('no tenant')
      const rows = await way.read(tenant, (index % rowsPerTenant) + 1)
      if (rows !== 1) failures.push(`${way.name}: ${rows} rows in place of 1`)
    },
    { callers, forMs },
  )
  return { perSecond, p50: percentile(latenciesMs, 0.5), p99: percentile(latenciesMs, 0.99) }
}

/** Each run measures every way once. The order rotates, so that slow moments of the machine affect all ways alike. */
async function interleave(
  ways: readonly Way[],
  stage: Stage,
  callers: number,
  runs: number,
  failures: string[],
  forMs?: number,
): Promise<Map<Way, Sample[]>> {
  const samples = new Map<Way, Sample[]>(ways.map((way) => [way, []]))
  for (const way of ways) await measure(way, stage, callers, failures, 200)
  for (let run = 0; run < runs; run++) {
    const turned = [...ways.slice(run % ways.length), ...ways.slice(0, run % ways.length)]
    for (const way of turned) samples.get(way)?.push(await measure(way, stage, callers, failures, forMs))
  }
  return samples
}

function ratios(samples: Map<Way, Sample[]>, way: Way, base: Way): number[] {
  const upper = samples.get(way) ?? []
  const lower = samples.get(base) ?? []
  return upper.map((sample, index) => sample.perSecond / (lower[index]?.perSecond ?? Number.NaN))
}

function summary(samples: Map<Way, Sample[]>): Record<string, unknown> {
  const round = (value: number) => Math.round(value * 100) / 100
  return Object.fromEntries(
    [...samples].map(([way, list]) => [
      way.name,
      {
        perSecond: Math.round(median(list.map((sample) => sample.perSecond))),
        p50Ms: round(median(list.map((sample) => sample.p50))),
        p99Ms: round(median(list.map((sample) => sample.p99))),
      },
    ]),
  )
}

async function run({ runs, log }: BenchOptions): Promise<BenchReport> {
  const stage = await openStage()
  const goals: BenchGoal[] = []
  const details: Record<string, unknown> = { postgres: stage.version, tenants: stage.tenants.length }
  const failures: string[] = []
  try {
    const raw = rawPg(stage)
    const unsealed = partywall(stage, stage, false)
    const sealed = partywall(stage, stage, true)
    const others = [transactionPg(stage), postgresJs(stage), drizzleTransaction(stage)]
    const ways = [raw, unsealed, sealed, ...others]
    for (const callers of CALLERS) {
      log(`${callers} caller${callers === 1 ? '' : 's'}: ${ways.length} ways, ${runs} runs`)
      const samples = await interleave(ways, stage, callers, runs, failures)
      details[`callers ${callers}`] = summary(samples)
      goals.push(judge(`unsealed, ${callers} callers, x raw pg`, ratios(samples, unsealed, raw), 0.95))
      goals.push(
        judge(`sealed, ${callers} callers, x raw pg`, ratios(samples, sealed, raw), callers === 32 ? 0.8 : 0.7),
      )
      for (const [place, other] of others.entries()) {
        goals.push(judge(`unsealed, ${callers} callers, x ${other.name}`, ratios(samples, unsealed, other), 3))
        const wanted = [2, 2.5, 3][place] ?? 3
        goals.push(judge(`sealed, ${callers} callers, x ${other.name}`, ratios(samples, sealed, other), wanted))
      }
    }
    for (const way of ways) await way.close()
    log('32 callers, without names')
    goals.push(...(await withoutNames(stage, runs, details, failures)))
    goals.push(...(await pipelined(stage, runs, details, failures)))
    for (const ms of [1, 5]) {
      log(`${ms} ms of latency each way`)
      details[`latency ${ms} ms each way, 32 callers`] = await withLatency(stage, ms, failures)
    }
  } finally {
    await stage.stop()
  }
  return { goals, details, failures: [...new Set(failures)] }
}

/**
 * Statements without names, as ORMs send them. With pg, the server parses and plans each of them again; partywall prepares the frequent
 * ones.
 */
async function withoutNames(
  stage: Stage,
  runs: number,
  details: Record<string, unknown>,
  failures: string[],
): Promise<BenchGoal[]> {
  const at = { url: stage.url, named: false }
  const [raw, unsealed, sealed] = [rawPg(at), partywall(at, stage, false), partywall(at, stage, true)]
  const samples = await interleave([raw, unsealed, sealed], stage, 32, runs, failures)
  details['callers 32, without names'] = summary(samples)
  for (const way of [raw, unsealed, sealed]) await way.close()
  return [
    judge('unsealed without names, 32 callers, x raw pg without names', ratios(samples, unsealed, raw), 0.95),
    judge('sealed without names, 32 callers, x raw pg without names', ratios(samples, sealed, raw), 1.2),
  ]
}

async function pipelined(
  stage: Stage,
  runs: number,
  details: Record<string, unknown>,
  failures: string[],
): Promise<BenchGoal[]> {
  const at = { url: stage.url, connections: 4, pipelined: true }
  const [raw, unsealed, sealed] = [rawPg(stage), partywall(at, stage, false), partywall(at, stage, true)]
  const samples = await interleave([raw, unsealed, sealed], stage, 32, runs, failures)
  details['pipelined, 4 connections, 32 callers'] = summary(samples)
  for (const way of [raw, unsealed, sealed]) await way.close()
  return [
    judge('pipelined unsealed, 32 callers, x raw pg without pipelining', ratios(samples, unsealed, raw), 1.3),
    judge('pipelined sealed, 32 callers, x raw pg without pipelining', ratios(samples, sealed, raw), 1.2),
  ]
}

async function withLatency(stage: Stage, oneWayMs: number, failures: string[]): Promise<unknown> {
  const proxy = await startLatencyProxy(stage.port, oneWayMs)
  const url = new URL(stage.url)
  url.port = String(proxy.port)
  const at = { url: url.href }
  const ways = [rawPg(at), partywall(at, stage, false), partywall(at, stage, true), transactionPg(at)]
  try {
    return summary(await interleave(ways, stage, 32, 1, failures))
  } finally {
    for (const way of ways) await way.close()
    await proxy.close()
  }
}

export const bench: Bench = {
  name: 'isolation',
  question: 'What does an isolated query cost beside the same query unprotected, and beside a transaction per query?',
  run,
}
