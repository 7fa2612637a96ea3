import { inject } from 'vitest'
import { atLeast } from '../../src/verify/finding/finding.ts'
import { exitCodeOf } from '../../src/verify/report/report-counts.ts'
import type { VerifyReport } from '../../src/verify/report/report-model.ts'
import { HOLDING, type RuleCase, withCase } from '../verify/rule-case.ts'
import { type PeerVerdict, runTenantGuard } from './tenant-guard.ts'

/** What both tools said of one case: of its hole, and of the schemas that are clean. */
export interface Comparison {
  readonly rule: string
  readonly name: string | undefined
  readonly hole: { readonly ours: boolean; readonly peer: boolean }
  /** Schemas with nothing to find. */
  readonly clean: number
  readonly alarms: { readonly ours: readonly string[]; readonly peer: readonly string[] }
  /** Schemas without this hole that have another: what is said of them is no false alarm, and is not counted. */
  readonly beside: readonly string[]
}

/** Runs both tools on the hole, the repaired schema and the near misses of a case. */
export async function compare(rule: string, given: RuleCase): Promise<Comparison> {
  const base = given.base ?? HOLDING
  const both = async (sql: string) => {
    let result: { readonly report: VerifyReport; readonly peer: PeerVerdict } | undefined
    await withCase([base, sql], async (verify) => {
      const report = await verify(given.options)
      const url = new URL(inject('postgres').url)
      url.pathname = `/${report.summary.database}`
      result = { report, peer: await runTenantGuard(url.href, report) }
    })
    if (result === undefined) throw new Error('the case did not run')
    return result
  }
  const hole = await both(given.hole)
  const alarms = { ours: [] as string[], peer: [] as string[] }
  const beside: string[] = []
  // What it says of the repaired schema too is not this hole.
  const known = new Set<string>()
  let clean = 0
  for (const [schema, sql] of Object.entries({ repaired: given.repaired, ...given.nearMisses })) {
    const { report, peer } = await both(sql)
    if (schema === 'repaired') for (const violation of peer.violations) known.add(withoutNames(violation))
    const other = given.beside?.[schema]
    if (other !== undefined) beside.push(`${schema}: ${other.rule}, ${other.because}`)
    else {
      clean += 1
      if (exitCodeOf(report) !== 0) alarms.ours.push(`${schema}: ${alarmsOf(report).join(', ')}`)
      if (peer.exitCode !== 0) alarms.peer.push(schema)
    }
  }
  return {
    rule,
    name: given.name,
    hole: {
      ours: fails(hole.report, rule),
      peer: hole.peer.exitCode !== 0 && hole.peer.violations.some((violation) => !known.has(withoutNames(violation))),
    },
    clean,
    alarms,
    beside,
  }
}

/** By the hole's own rule; some holes are low by nature. Alarms on clean schemas are counted by the exit code, for both. */
function fails(report: VerifyReport, rule: string): boolean {
  return (
    exitCodeOf(report, 'low') === 1 &&
    report.findings.some((finding) => finding.rule === rule && finding.severity !== 'info')
  )
}

function alarmsOf(report: VerifyReport): readonly string[] {
  const findings = report.findings.filter(({ severity }) => atLeast(severity, 'medium')).map(({ key }) => key)
  return findings.length === 0 ? ['unreliable, or an internal error'] : [...new Set(findings)]
}

/** Roles and rows have other names in each schema. */
function withoutNames(violation: string): string {
  return violation
    .replace(/\bcase_([a-z_]+)_\d+_\d+\b/g, '$1')
    .replace(/[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}/g, 'ID')
}
