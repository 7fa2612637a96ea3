// Question: what does the seal cost for each kind of statement? One server, the same rows, raw pg and sealed side by side in each run.
import { startPostgres } from '../src/embedded/start-postgres.ts'
import type { Bench, BenchGoal } from './harness/contract.ts'
import { judge, median } from './harness/ratio.ts'
import { throughput } from './harness/throughput.ts'
import { rawSide, type Side, walledSide } from './statements/sides.ts'
import { fillStage, type Stage, type Wall } from './statements/stage.ts'
import { STATEMENTS } from './statements/statements.ts'

const CALLERS = 32
const CONNECTIONS = 10
const FOR_MS = 700

/** Minimum throughput of a sealed pool relative to raw pg, by statement. */
const GOALS: Readonly<Record<string, number>> = {
  'select by key': 0.8,
  'three joined': 0.55,
  insert: 0.6,
  'update by key': 0.6,
}

let firstFreeId = 1_000_000

async function perSecond(stage: Stage, side: Side, wall: Wall, name: string): Promise<number> {
  const statement = STATEMENTS[name]?.(wall)
  if (statement === undefined) throw new Error(`there is no statement ${name}`)
  firstFreeId += 1_000_000
  const first = firstFreeId
  const measured = await throughput(
    async (round) => {
      const tenant = stage.tenants[round % stage.tenants.length] ?? ''
      const values = [...statement.values(tenant, round, first)]
      const { rowCount } = await side.run(tenant, { name, text: statement.text, values })
      if (rowCount !== 1) throw new Error(`${name}, ${wall}: ${rowCount} rows in place of 1`)
    },
    { callers: CALLERS, forMs: FOR_MS },
  )
  return measured.perSecond
}

export const bench: Bench = {
  name: 'sealed',
  question: `what does the seal cost for each kind of statement, at ${CALLERS} callers and ${CONNECTIONS} connections?`,
  async run({ runs, log }) {
    const server = await startPostgres()
    const goals: BenchGoal[] = []
    const details: Record<string, unknown> = {}
    try {
      const stage = await fillStage(server)
      for (const name of Object.keys(STATEMENTS)) {
        log(`${name}: ${runs} runs`)
        const sides = { plain: rawSide(stage.url, CONNECTIONS), sealed: walledSide(stage, CONNECTIONS, true) }
        const plainly: number[] = []
        const ratios: number[] = []
        for (let run = -1; run < runs; run++) {
          const plain = await perSecond(stage, sides.plain, 'plain', name)
          const walled = await perSecond(stage, sides.sealed, 'sealed', name)
          // The first run prepares the statements and fills caches.
          if (run < 0) continue
          plainly.push(plain)
          ratios.push(walled / plain)
        }
        await Promise.all([sides.plain.end(), sides.sealed.end()])
        details[name] = { rawPerSecond: Math.round(median(plainly)) }
        goals.push(judge(`sealed ${name}, ${CALLERS} callers, x raw pg`, ratios, GOALS[name] ?? 0.6))
      }
    } finally {
      await server.stop()
    }
    return { goals, details, failures: [] }
  },
}
