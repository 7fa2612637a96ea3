import { readdirSync } from 'node:fs'
import { basename, join } from 'node:path'
import { afterAll, describe, expect, inject, it, vi } from 'vitest'
import { packageRoot } from '../../src/config/package-root.ts'
import { atLeast } from '../../src/verify/finding.ts'
import { exitCodeOf } from '../../src/verify/report-counts.ts'
import type { VerifyReport } from '../../src/verify/report-model.ts'
import type { RuleCase } from '../verify/rule-case.ts'
import { type PeerVerdict, runTenantGuard } from './tenant-guard.ts'

// The rules' own cases, taken instead of run: both tools see exactly the same schemas.
const taken = vi.hoisted(() => new Map<string, RuleCase[]>())
vi.mock('../verify/rule-case.ts', async (original) => ({
  ...(await original<typeof import('../verify/rule-case.ts')>()),
  ruleCase: (rule: string, given: RuleCase) => taken.set(rule, [...(taken.get(rule) ?? []), given]),
}))
const { HOLDING, withCase } = await import('../verify/rule-case.ts')

const folder = join(packageRoot(), 'tests', 'verify', 'rules')
const wanted = process.env['PEERS_RULES']?.split(',')
const rules = readdirSync(folder)
  .filter((name) => name.endsWith('.test.ts'))
  .map((name) => basename(name, '.test.ts'))
  .filter((rule) => wanted === undefined || wanted.includes(rule))

interface Row {
  readonly rule: string
  readonly hole: { readonly ours: boolean; readonly peer: boolean }
  readonly clean: number
  readonly alarms: { readonly ours: number; readonly peer: number }
  /** Our findings behind the alarms: other holes of the case's schema, or false alarms. */
  readonly alarmedBy: readonly string[]
}

const rows: Row[] = []

/** By the hole's own rule; some holes are low by nature. Alarms on clean schemas are counted by the exit code, for both. */
const oursFails = (report: VerifyReport, rule: string) =>
  exitCodeOf(report, 'low') === 1 &&
  report.findings.some((finding) => finding.rule === rule && finding.severity !== 'info')

describe('tenant-guard beside partywall verify', () => {
  for (const rule of rules) {
    it(rule, async () => {
      await import(`../verify/rules/${rule}.test.ts`)
      for (const [id, cases] of taken) {
        taken.delete(id)
        for (const given of cases) rows.push(await compare(id, given))
      }
    })
  }
  it('saw schemas', () => expect(rows.length).toBeGreaterThan(0))
})

afterAll(() => {
  const mark = (found: boolean) => (found ? 'found ' : 'missed')
  for (const { rule, hole, clean, alarms, alarmedBy } of rows) {
    const loss = hole.peer && !hole.ours ? '  WE LOSE' : ''
    process.stdout.write(
      `${rule.padEnd(32)}  partywall ${mark(hole.ours)}  tenant-guard ${mark(hole.peer)}  alarms on ${clean} clean: ${alarms.ours} / ${alarms.peer}${alarmedBy.length === 0 ? '' : ` (${alarmedBy.join(', ')})`}${loss}\n`,
    )
  }
  const sum = (of: (row: Row) => number) => rows.reduce((total, row) => total + of(row), 0)
  process.stdout.write(
    `\n${rows.length} holes: partywall found ${sum((row) => Number(row.hole.ours))}, tenant-guard ${sum((row) => Number(row.hole.peer))}; ` +
      `${sum((row) => row.clean)} clean schemas: false alarms partywall ${sum((row) => row.alarms.ours)}, tenant-guard ${sum((row) => row.alarms.peer)}; ` +
      `lost to tenant-guard: ${
        rows
          .filter((row) => row.hole.peer && !row.hole.ours)
          .map((row) => row.rule)
          .join(', ') || 'none'
      }\n`,
  )
})

async function compare(rule: string, given: RuleCase): Promise<Row> {
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
  const repaired = await both(given.repaired)
  const hole = await both(given.hole)
  const near = []
  for (const sql of Object.values(given.nearMisses)) near.push(await both(sql))
  const clean = [repaired, ...near]
  // What it says of the repaired schema too is not this hole.
  const known = new Set(repaired.peer.violations)
  const alarming = clean.flatMap(({ report }) => report.findings).filter(({ severity }) => atLeast(severity, 'medium'))
  return {
    rule,
    alarmedBy: [...new Set(alarming.map((finding) => finding.key))],
    hole: {
      ours: oursFails(hole.report, rule),
      peer: hole.peer.exitCode !== 0 && hole.peer.violations.some((violation) => !known.has(violation)),
    },
    clean: clean.length,
    alarms: {
      ours: clean.filter(({ report }) => exitCodeOf(report) !== 0).length,
      peer: clean.filter(({ peer }) => peer.exitCode !== 0).length,
    },
  }
}
