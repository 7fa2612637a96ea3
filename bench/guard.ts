// Question: how much time does the guard add to a list answer? Compared with JSON.stringify of the same 1,000 rows, which the answer needs
// anyway. guardTenantData (a walk over the rows) and the response guard (a search in the text) are measured separately. If a ratio is above
// 0.25, change how the guard reads.
import { runWithTenant } from '../src/context/run-with-tenant.ts'
import { createTenantGuard } from '../src/guards/tenant-guard.ts'
import { silentLogger } from '../src/logger/logger.ts'
import type { Bench, BenchReport } from './harness/contract.ts'
import { judge } from './harness/ratio.ts'

const tenantId = '3f2b8c1e-5d4a-4c6b-9e7f-1a2b3c4d5e6f'
const otherTenantId = '9a8b7c6d-1e2f-4a3b-8c4d-5e6f7a8b9c0d'
const rowCount = 1_000
const rounds = 200

interface Row {
  readonly id: string
  readonly tenant_id: string
  readonly project_id: string
  readonly title: string
  readonly body: string
  readonly status: string
  readonly version: number
  readonly created_at: Date
  readonly updated_at: Date
}

function makeRows(): Row[] {
  return Array.from({ length: rowCount }, (_, index) => ({
    id: `00000000-0000-4000-8000-${String(index).padStart(12, '0')}`,
    // As with a database driver, each row has its own copy of the id.
    tenant_id: Buffer.from(tenantId).toString(),
    project_id: `00000000-0000-4000-9000-${String(index % 20).padStart(12, '0')}`,
    title: `Document ${index}`,
    body: `The quick brown fox jumps over the lazy dog, ${index} times, and then it rests. `.repeat(2),
    status: index % 3 === 0 ? 'draft' : 'final',
    version: index,
    created_at: new Date(1_700_000_000_000 + index),
    updated_at: new Date(1_700_000_100_000 + index),
  }))
}

/** Milliseconds for all rounds. Every round gets new rows, because the first visit of an object takes longer than the second. */
function time(batches: readonly unknown[], work: (batch: unknown) => unknown): number {
  const started = performance.now()
  for (const batch of batches) work(batch)
  return performance.now() - started
}

function run(runs: number, log: (line: string) => void): BenchReport {
  const guard = createTenantGuard({ logger: silentLogger })
  const context = { tenantId, userId: 'bench', roles: [], permissions: [], tier: 'free', requestId: 'bench' }
  const walkRatios: number[] = []
  const textRatios: number[] = []
  const failures = check()
  const perRound: number[] = []
  for (let index = 0; index < runs + 1; index++) {
    const batches = Array.from({ length: rounds }, makeRows)
    const texts: string[] = []
    const walk = time(batches, (rows) => guard.refusalOfValue(rows, context))
    const stringify = time(batches, (rows) => texts.push(JSON.stringify(rows)))
    const text = time(texts, (json) => guard.refusalOfJson(String(json), context))
    // The first run only warms up.
    if (index === 0) continue
    walkRatios.push(walk / stringify)
    textRatios.push(text / stringify)
    perRound.push(stringify / rounds)
    log(
      `run ${index}: stringify ${(stringify / rounds).toFixed(3)} ms, walk ${(walk / rounds).toFixed(3)} ms, text ${(text / rounds).toFixed(3)} ms`,
    )
  }
  return {
    goals: [
      judge('guardTenantData on 1,000 rows, x JSON.stringify of them', walkRatios, 0.25, 'at-most'),
      judge('response guard on the text of 1,000 rows, x JSON.stringify of them', textRatios, 0.25, 'at-most'),
    ],
    details: { rows: rowCount, rounds, stringifyMs: perRound },
    failures,
  }

  function check(): string[] {
    const found: string[] = []
    const good = makeRows()
    const bad: unknown[] = good.map((row, index) =>
      index === rowCount - 1 ? { ...row, tenant_id: otherTenantId } : row,
    )
    runWithTenant({ tenantId, userId: 'bench' }, () => {
      if (guard.guardTenantData(good) !== good) found.push('the guard did not give back its own rows')
    })
    if (guard.refusalOfValue(bad, context) === undefined) found.push('the walk missed a foreign row')
    if (guard.refusalOfJson(JSON.stringify(bad), context) === undefined)
      found.push('the text search missed a foreign row')
    if (guard.refusalOfJson(JSON.stringify(good), context) !== undefined) found.push('the text search refused own rows')
    return found
  }
}

export const bench: Bench = {
  name: 'guard',
  question: 'what does the guard add to an answer of 1,000 rows?',
  run: async ({ runs, log }) => run(runs, log),
}
