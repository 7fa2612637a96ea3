// Question: with default settings, how much slower do other tenants get while one tenant floods the pool with slow queries?
// Compared with the same work of the same tenants without the flood, side by side. If the p99 is more than twice the p99 without the flood,
// the limit of connections per tenant or the turns of the queues do not work.
import { runWithTenant } from '../src/context/run-with-tenant.ts'
import { createTenantPool, type TenantPool } from '../src/database/pool/create-tenant-pool.ts'
import { silentLogger } from '../src/logger/logger.ts'
import type { Bench } from './harness/contract.ts'
import { judge, percentile } from './harness/ratio.ts'
import { openStage, type Stage } from './isolation/stage.ts'

const HONEST = 4
const QUERIES = 300
const THINK_MS = 5
const FLOOD = 200

/** Each honest tenant reads its own rows, one after another. @returns milliseconds of each query, and the number of wrong answers */
async function honestWork(pool: TenantPool, stage: Stage): Promise<{ times: number[]; wrong: number }> {
  const times: number[] = []
  let wrong = 0
  const one = (tenantId: string) =>
    runWithTenant({ tenantId, userId: 'honest' }, async () => {
      for (let query = 0; query < QUERIES; query++) {
        const id = 1 + (query % stage.rowsPerTenant)
        const begun = performance.now()
        const { rows } = await pool.query('select tenant_id, id from sealed where id = $1', [id])
        times.push(performance.now() - begun)
        if (rows.length !== 1 || rows[0]?.tenant_id !== tenantId || rows[0]?.id !== id) wrong++
        await new Promise((resolve) => setTimeout(resolve, THINK_MS))
      }
    })
  await Promise.all(stage.tenants.slice(1, 1 + HONEST).map(one))
  return { times, wrong }
}

/** One tenant keeps this many slow queries running or waiting, until it is stopped. */
function flood(pool: TenantPool, stage: Stage): () => Promise<number> {
  let going = true
  let served = 0
  const [tenantId = ''] = stage.tenants
  const one = async () => {
    while (going) {
      // A query that waits too long is refused. The flood then sends another one.
      await pool.query('select pg_sleep(0.1)').then(
        () => served++,
        () => {},
      )
    }
  }
  const done = runWithTenant({ tenantId, userId: 'flood' }, () => Promise.all(Array.from({ length: FLOOD }, one)))
  return async () => {
    going = false
    await done
    return served
  }
}

export const bench: Bench = {
  name: 'fairness',
  question: 'What do others lose while one tenant floods the pool with slow queries, by default settings?',
  async run({ runs, log }) {
    const stage = await openStage()
    const pool = createTenantPool({
      connectionString: stage.url,
      seal: { secret: stage.sealSecret },
      roles: {},
      logger: silentLogger,
    })
    pool.on('error', () => {})
    const ratios: number[] = []
    const details: object[] = []
    let wrong = 0
    try {
      await honestWork(pool, stage)
      for (let run = 0; run < runs; run++) {
        const quiet = await honestWork(pool, stage)
        const stop = flood(pool, stage)
        const flooded = await honestWork(pool, stage)
        const served = await stop()
        wrong += quiet.wrong + flooded.wrong
        const [before, during] = [percentile(quiet.times, 0.99), percentile(flooded.times, 0.99)]
        ratios.push(during / before)
        details.push({ quietP99Ms: before, floodedP99Ms: during, floodServed: served })
        log(`p99 quiet ${before.toFixed(1)} ms, flooded ${during.toFixed(1)} ms; the flood got ${served} answers`)
      }
    } finally {
      await pool.close({ timeoutMs: 5_000 })
      await stage.stop()
    }
    return {
      goals: [
        judge(
          `p99 of ${HONEST} tenants beside a flood of ${FLOOD} slow queries, x their quiet p99`,
          ratios,
          2,
          'at-most',
        ),
      ],
      details: { runs: details, max: 10 },
      failures: wrong === 0 ? [] : [`${wrong} answers were wrong`],
    }
  },
}
