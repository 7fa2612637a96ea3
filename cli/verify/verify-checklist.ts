import { basename } from 'node:path'
import { VERBS } from '../../src/catalog/verbs.ts'
import { checklist } from '../../src/report/checklist.ts'
import type { Evidence } from '../../src/report/evidence.ts'
import type { ChecklistLineId } from '../../src/report/lines.ts'
import { atLeast, type Finding, type Severity } from '../../src/verify/finding/finding.ts'
import { VERDICTS } from '../../src/verify/finding/verdict.ts'
import type { ChecklistEntry } from '../../src/verify/formats/document.ts'
import type { VerifyReport } from '../../src/verify/report/report-model.ts'

interface ChecklistParts {
  readonly report: VerifyReport
  /** Findings that remain after the baseline. */
  readonly findings: readonly Finding[]
  /** The command that repeats this run, without a password. */
  readonly command: string
  /** Names of the files that built the schema. */
  readonly files: readonly string[]
  /**
   * The lowest severity that fails the run; default `medium`. With `high`, a finding of severity `medium` does not fail the run, but keeps
   * the line of the checklist open.
   */
  readonly failOn?: Severity
  /** The assumptions of the run, if it made any. Then no line of the checklist is confirmed. */
  readonly assumed?: string | undefined
}

/** Short names of the lines that a run of verify may leave without evidence. */
const NAMES: Readonly<Partial<Record<ChecklistLineId, string>>> = {
  'completed-context-middleware': 'the context middleware',
  'completed-repository': 'the repositories',
  'completed-cross-tenant-access': 'requests of one tenant for data of another',
  'completed-rate-limits': 'rate limits',
  'completed-audit': 'the audit log',
  'output-tenant-context': 'the tenant context in the code',
  'output-rls-migration': 'the migration file',
  'output-repository': 'the repository class',
  'output-guard': 'the guard',
  'output-isolation-test': 'the isolation test',
  'security-no-leak': 'test scenarios over HTTP',
  'security-circuit-breaker': 'circuit breakers',
  'security-audit-trail': 'the audit trail',
}

/** Returns the checklist after `partywall verify`. The lines about the database are judged, and one open line names all other lines. */
export function verifyChecklist(parts: ChecklistParts): readonly ChecklistEntry[] {
  const { lines } = checklist(databaseEvidence(parts))
  const judged = lines.filter((line) => line.evidence.length > 0)
  const others = lines.filter((line) => line.evidence.length === 0)
  const entries = judged.map(
    (line): ChecklistEntry => ({
      section: line.section,
      title: line.atLeast === undefined ? line.title : line.title.replace(/\bN\b/, String(line.count)),
      verdict: line.verdict,
      detail:
        line.reason ?? line.evidence.map((piece) => `${piece.detail} (${piece.by}, ${piece.count} checks)`).join('; '),
    }),
  )
  return [
    ...entries,
    {
      section: 'Not part of verify',
      title: `Not part of verify: ${others.map((line) => NAMES[line.id] ?? line.title).join(', ')}`,
      verdict: 'open',
      detail: 'not tested in this run; evidence is needed from tests of the running application',
    },
  ]
}

/** Returns the results of `verify` for the checklist lines about the database. */
export function databaseEvidence({
  report,
  findings,
  command,
  files,
  failOn = 'medium',
  assumed,
}: ChecklistParts): readonly Evidence[] {
  const verdicts = report.tables.flatMap((table) =>
    VERBS.flatMap((verb) => {
      const verdict = table.verbs[verb]
      return verdict === undefined
        ? []
        : [{ where: `${verb} on ${table.object}`, verdict, reason: table.reasons[verb] }]
    }),
  )
  const counted = verdicts.filter(({ verdict }) => VERDICTS[verdict].checklist === 'closes').length
  const judge = (line: ChecklistLineId, failure: string | undefined, held: string): Evidence => {
    const piece = { line, by: command }
    const [undecided, ...alsoOpen] = verdicts.filter(({ verdict }) => VERDICTS[verdict].checklist === 'stays open')
    const error = report.summary.internalErrors[0]
    if (failure !== undefined) return { ...piece, verdict: 'failed', count: 0, detail: failure }
    if (error !== undefined)
      return { ...piece, verdict: 'open', count: 0, detail: `partywall failed in ${error.where}` }
    if (tolerated !== undefined) return { ...piece, verdict: 'open', count: 0, detail: tolerated }
    if (assumed !== undefined)
      return { ...piece, verdict: 'open', count: 0, detail: 'the role of the application was made for this run' }
    if (counted === 0)
      return {
        ...piece,
        verdict: 'open',
        count: 0,
        detail:
          report.tables.length === 0 ? 'no tenant table was found' : 'no verb of a tenant table is proved or held',
      }
    if (undecided !== undefined) {
      const detail = `${undecided.where} is ${undecided.verdict}${undecided.reason === undefined ? '' : `: ${undecided.reason}`}${andMore(alsoOpen, 'open pair of table and verb', 'open pairs of table and verb')}`
      return { ...piece, verdict: 'open', count: 0, detail }
    }
    return { ...piece, verdict: 'proved', count: counted, detail: held }
  }
  const serious = findings.filter(({ severity }) => atLeast(severity, 'medium'))
  const [worst, ...others] = serious.filter(({ severity }) => atLeast(severity, failOn))
  const [first, ...more] = serious.filter(({ severity }) => !atLeast(severity, failOn))
  const tolerated =
    first === undefined
      ? undefined
      : `${first.rule} on ${first.object}${andMore(more, `finding below ${failOn}`, `findings below ${failOn}`)}`
  const [leaking, ...alsoLeaking] = verdicts.filter(({ verdict }) => verdict === 'leaks')
  const lowest = atLeast(failOn, 'medium') ? failOn : 'medium'
  const failure =
    worst === undefined
      ? undefined
      : `${worst.rule} on ${worst.object}${andMore(others, `finding of severity ${lowest} or higher`, `findings of severity ${lowest} or higher`)}`
  const leak =
    leaking === undefined
      ? undefined
      : `${leaking.where} leaks${andMore(alsoLeaking, 'pair of table and verb', 'pairs of table and verb')}`
  const tables = `${report.tables.length} tables`
  const denied = verdicts.filter(({ verdict }) => VERDICTS[verdict].checklist === 'neutral').length
  const judged = `${counted} of ${verdicts.length} pairs of table and verb proved or held${denied === 0 ? '' : `, ${denied} without access`}`
  const pieces = [
    judge('completed-rls-policies', failure ?? leak, `${judged} on ${tables}`),
    judge(
      'security-rls-on-all-queries',
      leak ?? failure,
      `${judged}; this holds only for tenant tables, for the roles that were tried, and if the setting names the right tenant`,
    ),
  ]
  const migration = files.find((file) => basename(file) === 'enable-rls-policies.sql')
  if (migration !== undefined)
    pieces.push(judge('output-rls-migration', failure ?? leak, `${basename(migration)} was run, and no hole was found`))
  return pieces
}

/** Returns `, and 3 more findings`. A line that names the first of several findings must not look as if there were only one. */
function andMore({ length }: readonly unknown[], one: string, many: string): string {
  return length === 0 ? '' : `, and ${length} more ${length === 1 ? one : many}`
}
