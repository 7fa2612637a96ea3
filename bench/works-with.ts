// Question: what does isolation cost an ORM? Each ORM reads one row by its key: unprotected, sealed by partywall, and by its usual recipe (a
// transaction, set_config, the query; not sealed). The three sides of one ORM run in turns.
// If a goal is missed, look at what the ORM itself costs (it hides the pool's cost) and at the hooks of TenantQuery.
import type { Bench, BenchGoal, BenchOptions, BenchReport } from './harness/contract.ts'
import { judge, median } from './harness/ratio.ts'
import { throughput } from './harness/throughput.ts'
import { openStage, type Stage } from './isolation/stage.ts'
import type { Way } from './isolation/ways.ts'
import { drizzleOrm } from './works-with/drizzle.ts'
import { kysely } from './works-with/kysely.ts'
import { type OrmReads, openSides } from './works-with/orm-sides.ts'
import { prisma } from './works-with/prisma.ts'
import { typeorm } from './works-with/typeorm.ts'

const FOR_MS = 700
const CALLERS = 32

async function measure(way: Way, stage: Stage, failures: string[], forMs = FOR_MS): Promise<number> {
  const { tenants, rowsPerTenant } = stage
  const { perSecond } = await throughput(
    async (index) => {
      const tenant = tenants[index % tenants.length]
      if (tenant === undefined) throw new Error('no tenant')
      const rows = await way.read(tenant, (index % rowsPerTenant) + 1)
      if (rows !== 1) failures.push(`${way.name}: ${rows} rows in place of 1`)
    },
    { callers: CALLERS, forMs },
  )
  return perSecond
}

async function benchOrm(reads: OrmReads, stage: Stage, runs: number, failures: string[]) {
  const sides = await openSides(reads, stage)
  const ways = [sides.unprotected, sides.sealed, sides.usual]
  const samples = new Map<Way, number[]>(ways.map((way) => [way, []]))
  try {
    // Long enough that tickets are registered and statements are prepared.
    for (const way of ways) await measure(way, stage, failures, 1_500)
    for (let run = 0; run < runs; run++) {
      const turned = [...ways.slice(run % ways.length), ...ways.slice(0, run % ways.length)]
      for (const way of turned) samples.get(way)?.push(await measure(way, stage, failures))
    }
  } finally {
    for (const way of ways) await way.close()
  }
  const ratios = (base: Way) => {
    const lower = samples.get(base) ?? []
    return (samples.get(sides.sealed) ?? []).map((value, index) => value / (lower[index] ?? Number.NaN))
  }
  return {
    goals: [
      judge(`${reads.orm} sealed, ${CALLERS} callers, x the same ORM unprotected`, ratios(sides.unprotected), 0.85),
      judge(`${reads.orm} sealed, ${CALLERS} callers, x its usual recipe (not sealed)`, ratios(sides.usual), 2),
    ],
    perSecond: Object.fromEntries(ways.map((way) => [way.name, Math.round(median(samples.get(way) ?? []))])),
  }
}

async function run({ runs, log }: BenchOptions): Promise<BenchReport> {
  const stage = await openStage()
  const goals: BenchGoal[] = []
  const failures: string[] = []
  let perSecond = {}
  try {
    for (const reads of [kysely, drizzleOrm, prisma, typeorm]) {
      log(`${reads.orm}: three sides, ${runs} runs`)
      const result = await benchOrm(reads, stage, runs, failures)
      goals.push(...result.goals)
      perSecond = { ...perSecond, ...result.perSecond }
    }
  } finally {
    await stage.stop()
  }
  return {
    goals,
    details: { postgres: stage.version, tenants: stage.tenants.length, perSecond },
    failures: failures.slice(0, 20),
  }
}

export const bench: Bench = {
  name: 'works-with',
  question: 'What does isolation cost an ORM, and how much does it save over the usual recipe?',
  run,
}
