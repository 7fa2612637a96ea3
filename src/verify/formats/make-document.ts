import { attacks } from '../attacks/list.ts'
import { atLeast, type Finding, SEVERITIES, type Severity } from '../finding/finding.ts'
import { VERDICT_NAMES, VERDICTS } from '../finding/verdict.ts'
import { countFindings, exitCodeOf, unreliableTables } from '../report/report-counts.ts'
import type { VerifyReport } from '../report/report-model.ts'
import { rules } from '../rules/list.ts'
import type {
  AcceptedFinding,
  ChecklistEntry,
  Location,
  MutantSummary,
  ReportDocument,
  ReportMaking,
  ReportOrigin,
  ToolIdentity,
} from './document.ts'
import { foldCauses } from './fold-causes.ts'

interface DocumentParts {
  readonly report: VerifyReport
  readonly toolVersion: string
  readonly tool?: ToolIdentity | undefined
  readonly target: string
  readonly failOn: Exclude<Severity, 'info'>
  /** Notes of the source. */
  readonly notes: readonly string[]
  readonly gaps: readonly string[]
  /** SQL that creates a role for the application, if the source has none. */
  readonly setUp?: readonly string[]
  /** Findings that remain after the baseline; default: all. */
  readonly findings?: readonly Finding[]
  readonly accepted?: readonly AcceptedFinding[]
  readonly warnings?: readonly string[]
  readonly checklist?: readonly ChecklistEntry[]
  readonly mutants?: MutantSummary | undefined
  /** Shows each finding separately; default: one for each cause. */
  readonly verbose?: boolean | undefined
  readonly made?: ReportMaking | undefined
  readonly origin: ReportOrigin
  readonly locate?: (object: string) => Location | undefined
}

/** Why a run without `--static` attacked nothing. */
const NOT_ATTACKED = {
  none: '',
  some: ', because tenant tables hold rows',
  unknown: ', because verify could not see whether tenant tables hold rows',
}

/** Joins a run with the facts about its source and baseline, and decides the exit code, which is the same for all formats. */
export function makeDocument(parts: DocumentParts): ReportDocument {
  const { report, failOn, findings: all = report.findings, accepted = [], mutants } = parts
  const groups = new Map<string, string>(rules.map((rule) => [rule.id, rule.group]))
  const findings = parts.verbose === true ? all : foldCauses(all, (rule) => groups.get(rule))
  const { counts, internalErrors, mode, notes, rowsBefore } = report.summary
  const failing = findings.filter((finding) => atLeast(finding.severity, failOn)).length
  const exitCode = exitCodeOf(report, failOn, findings)
  const attacked = mode === 'attack'
  return {
    toolVersion: parts.toolVersion,
    tool: parts.tool,
    target: parts.target,
    failOn,
    origin: parts.origin,
    examined: report.examined,
    made: parts.made,
    notes: [...parts.notes, ...notes, ...actingNotes(report)],
    gaps: [
      ...parts.gaps,
      ...(attacked
        ? []
        : [
            `nothing was attacked${NOT_ATTACKED[rowsBefore ?? 'none']}: --attack also tries what the catalog alone can’t prove`,
          ]),
    ],
    setUp: parts.setUp ?? report.summary.grantsMissing,
    warnings: parts.warnings ?? [],
    findings,
    singly: all,
    accepted,
    tables: report.tables,
    unwalled: report.unwalled,
    attacks: attacked ? attacks.map(({ name, title, rules: confirms }) => ({ name, title, rules: confirms })) : [],
    rules: rules.map(({ id, group, title, severity, meaning, remedy }) => ({
      id,
      group,
      title,
      severity,
      meaning,
      remedy,
    })),
    checklist: parts.checklist ?? [],
    internalErrors,
    summary: {
      findings: countFindings(findings),
      accepted: accepted.length,
      verdicts: counts.verdicts,
      tables: counts.tables,
      rules: counts.rules,
      probes: counts.probes,
      exitCode,
      verdict: sentence(exitCode, failing, failOn, report),
    },
    run: report.summary,
    locate: parts.locate ?? (() => undefined),
    ...(mutants === undefined ? {} : { mutants }),
  }
}

function actingNotes({ summary }: VerifyReport): string[] {
  return [`acts as ${summary.actingRoles.join(', ')}${summary.sealed ? ', in sealed contexts' : ''}`]
}

function sentence(exitCode: 0 | 1 | 2, failing: number, failOn: Severity, { summary, tables }: VerifyReport): string {
  if (exitCode === 2) {
    const first = summary.internalErrors[0]
    if (first !== undefined) return `No verdict: partywall itself failed in ${first.where}: ${first.message}`
    if (!summary.reachable) return unreachable(summary)
    const unreliable = unreliableTables(tables)
    const others =
      failing === 0 ? '' : ` There ${failing === 1 ? 'is also 1 finding' : `are also ${failing} findings`}.`
    return `No verdict: a control failed on ${unreliable.join(', ')}: verdicts there are not reliable. The list of tables gives the reasons.${others}`
  }
  const worst = SEVERITIES[SEVERITIES.length - 1]
  const floor = failOn === worst ? `of severity ${failOn}` : `at or above ${failOn}`
  if (exitCode === 1) return `Isolation is broken: ${failing} finding${failing === 1 ? '' : 's'} ${floor}.`
  const open = VERDICT_NAMES.filter((name) => VERDICTS[name].checklist === 'stays open')
  const counted = open.flatMap((name) => {
    const number = summary.counts.verdicts[name]
    return number === 0 ? [] : [`${number} ${number === 1 ? 'verdict is' : 'verdicts are'} ${name}`]
  })
  return `No finding ${floor}.${counted.length === 0 ? '' : ` ${counted.join(', ')}: the list of tables gives the reasons.`}`
}

function unreachable({ appRole, grantsMissing }: VerifyReport['summary']): string {
  const first = `No verdict: ${appRole} can reach no tenant table, so nothing was judged. If the migration that partywall init or protect wrote has not run yet, run it first.`
  if (grantsMissing.length === 0)
    return `${first} ${appRole} is NOINHERIT: it has the rights of the role that SET ROLE gives it, such as tenant_user. Grants to ${appRole} itself would bypass the policies of that role. Or name another role with --app-role NAME.`
  return `${first} Otherwise grant ${appRole} what the application uses, as the lines below do, or name another role with --app-role NAME.`
}
