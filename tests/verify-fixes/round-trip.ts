import { planFor } from '../../cli/protect/protect-plan.ts'
import { renderSql } from '../../src/protect/render/sql.ts'
import { atLeast, type Finding } from '../../src/verify/finding/finding.ts'
import type { VerifyReport } from '../../src/verify/index.ts'
import { renderFixFile } from '../../src/verify/report/fix-file.ts'
import { rules } from '../../src/verify/rules/list.ts'
import { splitStatements } from '../../src/verify/sources/split-statements.ts'
import { FINGERPRINT } from '../protect/fingerprint.ts'
import { HOLDING, type OpenCase, openCase, type RuleCase } from '../verify/rule-case.ts'

/** What came of it; empty lists are what is wanted. */
interface RoundTrip {
  readonly statements: number
  /** The server refused a statement of a fix. */
  readonly errors: readonly string[]
  /** Still found at or above medium, and no fix said that a person must decide. */
  readonly left: readonly string[]
}

const groups = new Map<string, string>(rules.map((rule) => [rule.id, rule.group]))

/** Every printed fix in the order of the report, twice; verify then holds. */
export function printedFixes(given: RuleCase): Promise<RoundTrip> {
  return mend(given, (report) => fixesOf(report).map((finding) => finding.fix))
}

/** The file of `--fix`, twice; verify then holds. */
export function fixFile(given: RuleCase): Promise<RoundTrip> {
  return mend(given, (report) => [renderFixFile(fixesOf(report), (rule) => groups.get(rule), 'a test')])
}

async function mend(given: RuleCase, scripts: (report: VerifyReport) => readonly string[]): Promise<RoundTrip> {
  return withHole(given, async (opened) => {
    const report = await opened.verify(given.options)
    const errors: string[] = []
    let statements = 0
    for (const _ of ['first', 'second'])
      for (const script of scripts(report)) {
        const ran = await runAll(opened, script)
        statements += ran.statements
        errors.push(...ran.errors)
      }
    const after = await opened.verify(given.options)
    return { statements, errors, left: leftOf(after, () => false) }
  })
}

/** The migration of `partywall protect`, up twice and down: verify holds in between, and the schema is as it was. */
export async function protect(given: RuleCase): Promise<RoundTrip & { readonly changed: readonly string[] }> {
  return withHole(given, async (opened) => {
    const before = await fingerprint(opened)
    const plan = await planFor({ databaseUrl: opened.url, appRole: opened.role('app'), seal: false, ...hints(given) })
    const files = renderSql(plan, [])
    const up = files.filter((file) => file.path.endsWith('.up.sql')).map((file) => file.content)
    const down = files.filter((file) => file.path.endsWith('.down.sql')).map((file) => file.content)
    const errors: string[] = []
    let statements = 0
    const run = async (scripts: readonly string[]) => {
      for (const script of scripts) {
        const ran = await runAll(opened, script)
        statements += ran.statements
        errors.push(...ran.errors)
      }
    }
    await run([...up, ...up])
    const decided = new Set(plan.decisions.map((decision) => decision.object))
    const owned = plan.decisions.some(({ reason }) => /\bowns \d+ of the tables\b/.test(reason))
    const report = await opened.verify(given.options)
    const left = leftOf(
      report,
      (finding) => decided.has(finding.object) || (owned && finding.rule === 'table-owned-by-app'),
    )
    await run(down.toReversed())
    const after = await fingerprint(opened)
    const changed = [
      ...before.filter((line) => !after.includes(line)).map((line) => `- ${line}`),
      ...after.filter((line) => !before.includes(line)).map((line) => `+ ${line}`),
    ]
    return { statements, errors, left, changed }
  })
}

async function withHole<T>(given: RuleCase, work: (opened: OpenCase) => Promise<T>): Promise<T> {
  const opened = await openCase([given.base ?? HOLDING, given.hole])
  try {
    return await work(opened)
  } finally {
    await opened.close()
  }
}

function fixesOf(report: VerifyReport): readonly Finding[] {
  return report.findings.filter((finding) => finding.severity !== 'info')
}

function leftOf(report: VerifyReport, decided: (finding: Finding) => boolean): readonly string[] {
  return [
    ...report.summary.internalErrors.map((error) => `${error.where}: ${error.message}`),
    ...report.findings
      .filter((finding) => atLeast(finding.severity, 'medium') && !/^\s*--/m.test(finding.fix) && !decided(finding))
      .map((finding) => `${finding.severity} ${finding.key}`),
  ]
}

/** As psql -f does, without stopping at an error. */
async function runAll(opened: OpenCase, script: string) {
  const errors: string[] = []
  const { statements } = splitStatements(script)
  for (const { text } of statements)
    await opened.run(text).catch((error: unknown) => errors.push(`${String(error)} in ${text.slice(0, 200)}`))
  return { statements: statements.length, errors }
}

function hints({ options }: RuleCase) {
  return { setting: options?.setting, tenantColumn: options?.tenantColumns }
}

async function fingerprint(opened: OpenCase): Promise<readonly string[]> {
  return (await opened.query(FINGERPRINT)).map((row) => String(row['line']))
}
