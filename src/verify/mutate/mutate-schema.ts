import type pg from 'pg'
import { isPartywallError } from '../../errors.ts'
import { loadParser } from '../../sql/parser.ts'
import { connect } from '../connect.ts'
import { type Finding, SEVERITIES } from '../finding/finding.ts'
import type { MutantSummary } from '../formats/document.ts'
import type { VerifyOptions } from '../options.ts'
import type { VerifyReport } from '../report/report-model.ts'
import { attackFindings, factsInTransaction, type JudgeOptions, readFindings } from './judge-in-transaction.ts'
import type { Mutant } from './mutant.ts'
import { mutantsOf, sampleMutants } from './mutants.ts'

interface MutateOptions extends VerifyOptions {
  /** The report of `verifyDatabase` on the unchanged schema. */
  readonly report: VerifyReport
  /** Maximum number of mutants that are tried; default 200. If there are more, an even sample is tried. */
  readonly limit?: number
  readonly onProgress?: (line: string) => void
}

/** One mutant and its outcome. */
export interface MutantResult {
  readonly mutant: Mutant
  readonly outcome: 'noticed' | 'survived' | 'not-applicable'
  /** The keys of the new findings, or the reason why there are none. */
  readonly by: readonly string[]
}

/**
 * Weakens the schema by one change at a time, in a transaction that is rolled back, and checks whether `verify` notices.
 *
 * A mutant is noticed when it causes a new finding above `info`, or makes an existing finding more severe.
 */
export async function mutateSchema(options: MutateOptions): Promise<MutantSummary> {
  const results = await runMutants(options)
  const applied = results.filter((result) => result.outcome !== 'not-applicable')
  return {
    killed: applied.filter((result) => result.outcome === 'noticed').length,
    total: applied.length,
    survivors: applied
      .filter((result) => result.outcome === 'survived')
      .map(({ mutant, by }) => ({ name: mutant.name, object: mutant.object, reason: by.join('; ') })),
  }
}

/** Like `mutateSchema`, but returns the outcome of each mutant. */
export async function runMutants(options: MutateOptions): Promise<readonly MutantResult[]> {
  const { onProgress = () => {}, limit = 200, report } = options
  await loadParser()
  const judge = judgeOptions(options)
  const before = severities(report.findings)
  const mutants = await inTransaction(options, async (client) => {
    const facts = await factsInTransaction(client, judge)
    for (const finding of readFindings(facts)) note(before, finding)
    return mutantsOf(facts)
  })
  const chosen = sampleMutants(mutants, limit)
  const sampled = chosen.length < mutants.length ? `, ${chosen.length} of ${mutants.length}` : ''
  onProgress(`trying ${chosen.length} mutants${sampled}`)
  const results: MutantResult[] = []
  for (const mutant of chosen) {
    options.signal?.throwIfAborted()
    results.push(await inTransaction(options, (client) => tryMutant(client, mutant, judge, before, report)))
  }
  return results
}

async function tryMutant(
  client: pg.Client,
  mutant: Mutant,
  judge: JudgeOptions,
  before: ReadonlyMap<string, number>,
  report: VerifyReport,
): Promise<MutantResult> {
  try {
    await client.query(mutant.sql)
  } catch (error) {
    if (!isServerError(error)) throw error
    return { mutant, outcome: 'not-applicable', by: [error.message] }
  }
  try {
    const facts = await factsInTransaction(client, judge)
    const read = worse(readFindings(facts), before)
    if (read.length > 0) return { mutant, outcome: 'noticed', by: read }
    if (report.summary.mode === 'static') return { mutant, outcome: 'survived', by: ['nothing was attacked'] }
    const attacked = worse(await attackFindings(client, facts, judge), before)
    if (attacked.length > 0) return { mutant, outcome: 'noticed', by: attacked }
    return { mutant, outcome: 'survived', by: ['no rule reported it and no attack succeeded'] }
  } catch (error) {
    // An error such as "no tenant column" or "no app role": a run on the weakened schema would end with exit code 2.
    if (isPartywallError(error)) return { mutant, outcome: 'noticed', by: [error.message] }
    throw error
  }
}

function isServerError(error: unknown): error is Error {
  return error instanceof Error && 'severity' in error && error.severity === 'ERROR'
}

function judgeOptions(options: MutateOptions): JudgeOptions {
  const { summary } = options.report
  return {
    appRole: summary.appRole,
    tenantColumns: summary.tenantColumns,
    schemas: options.schemas,
    setting: options.setting,
    sealSecret: options.sealSecret,
    contextSql: options.contextSql,
    sealed: summary.sealed,
  }
}

async function inTransaction<T>(options: MutateOptions, work: (client: pg.Client) => Promise<T>): Promise<T> {
  const client = await connect(options.databaseUrl, options.signal)
  try {
    await client.query("begin; set local lock_timeout = '2s'")
    return await work(client)
  } finally {
    await client.query('rollback').catch(() => {}) // a dead connection has rolled back already
    await client.end().catch(() => {})
  }
}

function severities(findings: readonly Finding[]): Map<string, number> {
  const known = new Map<string, number>()
  for (const finding of findings) note(known, finding)
  return known
}

function note(known: Map<string, number>, finding: Finding): void {
  const severity = SEVERITIES.indexOf(finding.severity)
  known.set(finding.key, Math.max(severity, known.get(finding.key) ?? 0))
}

function worse(findings: readonly Finding[], before: ReadonlyMap<string, number>): string[] {
  return findings
    .filter((finding) => SEVERITIES.indexOf(finding.severity) > (before.get(finding.key) ?? 0))
    .map((finding) => finding.key)
}
