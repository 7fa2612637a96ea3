// Question: does the time of an answer show whether another tenant has a row? One caller alternates GET requests for a document of another
// tenant and for a missing document. The bench asserts nothing, because on a busy machine times differ by chance; the repository's test
// counts statements instead. If the ratio is far from 1 in many runs, look at the query plans.

import { randomUUID } from 'node:crypto'
import { join } from 'node:path'
import { createExampleApi } from '../examples/express-api/app.ts'
import { packageRoot } from '../src/config/package-root.ts'
import { silentLogger } from '../src/logger/logger.ts'
import { createPartywall } from '../src/partywall.ts'
import { startTestKit } from '../src/testing/start-test-kit.ts'
import type { Bench } from './harness/contract.ts'
import { median, percentile } from './harness/ratio.ts'

const PAIRS = 400

export const bench: Bench = {
  name: 'existence-oracle',
  question: "Does an answer's time tell whether another tenant has the row?",
  async run({ runs, log }) {
    const kit = await startTestKit({
      migrations: join(packageRoot(), 'migrations'),
      app(env) {
        const wall = createPartywall({
          database: { url: env.databaseUrl, max: 2 },
          auth: env.auth,
          seal: { secret: env.sealSecret },
          logger: silentLogger,
        })
        return { listener: createExampleApi(wall), close: () => wall.close() }
      },
    })
    try {
      const a = await kit.tenant('a')
      const b = await kit.tenant('b')
      const foreign: string[] = []
      for (let index = 0; index < PAIRS; index++) {
        const { rows } = await kit.admin("insert into documents (tenant_id, title) values ($1, 'x') returning id", [
          b.tenantId,
        ])
        foreign.push(String(rows[0]?.id))
      }
      const failures: string[] = []
      const timed = async (id: string): Promise<number> => {
        const before = performance.now()
        const { status } = await a.api.get(`/documents/${id}`)
        if (status !== 404) failures.push(`status ${status}`)
        return performance.now() - before
      }
      const differences: object[] = []
      for (let run = 0; run < runs; run++) {
        const times: { foreign: number[]; missing: number[] } = { foreign: [], missing: [] }
        for (const [index, id] of foreign.entries()) {
          const order = index % 2 === 0 ? (['foreign', 'missing'] as const) : (['missing', 'foreign'] as const)
          for (const kind of order) times[kind].push(await timed(kind === 'foreign' ? id : randomUUID()))
        }
        const ratio = median(times.foreign) / median(times.missing)
        differences.push({
          ratio,
          foreignP99: percentile(times.foreign, 0.99),
          missingP99: percentile(times.missing, 0.99),
        })
        log(`run ${run + 1}: median of foreign / median of missing = ${ratio.toFixed(3)}`)
      }
      return { goals: [], details: { pairs: PAIRS, runs: differences }, failures: [...new Set(failures)] }
    } finally {
      await kit.close()
    }
  },
}
