import { attacks } from '../attacks/list.ts'
import { atLeast, type Finding, SEVERITIES, type Severity } from '../finding.ts'
import { countFindings } from '../report-counts.ts'
import type { VerifyReport } from '../report-model.ts'
import { rules } from '../rules/list.ts'
import type { AcceptedFinding, ChecklistEntry, Location, MutantSummary, ReportDocument } from './document.ts'

export interface DocumentParts {
  readonly report: VerifyReport
  readonly toolVersion: string
  readonly target: string
  readonly failOn: Exclude<Severity, 'info'>
  /** What the source tells of itself. */
  readonly notes: readonly string[]
  readonly gaps: readonly string[]
  /** Findings left after the baseline; default: all. */
  readonly findings?: readonly Finding[]
  readonly accepted?: readonly AcceptedFinding[]
  readonly warnings?: readonly string[]
  readonly checklist?: readonly ChecklistEntry[]
  readonly mutants?: MutantSummary | undefined
  readonly locate?: (object: string) => Location | undefined
}

/** Joins a run with what only its surroundings know, and judges it: one exit code for all formats. */
export function makeDocument(parts: DocumentParts): ReportDocument {
  const { report, failOn, findings = report.findings, accepted = [], mutants } = parts
  const { counts, internalErrors, mode, notes } = report.summary
  const unreliable = report.tables.filter((table) => Object.values(table.verbs).includes('unreliable'))
  const failing = findings.filter((finding) => atLeast(finding.severity, failOn)).length
  const exitCode = internalErrors.length > 0 || unreliable.length > 0 ? 2 : failing > 0 ? 1 : 0
  const attacked = mode === 'attack'
  return {
    toolVersion: parts.toolVersion,
    target: parts.target,
    failOn,
    notes: [...parts.notes, ...notes, ...actingNotes(report)],
    gaps: [...parts.gaps, ...(attacked ? [] : ['nothing was attacked: --attack tries what the catalog leaves open'])],
    warnings: parts.warnings ?? [],
    findings,
    accepted,
    tables: report.tables,
    attacks: attacked ? attacks.map(({ name, title }) => ({ name, title })) : [],
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
      verdict: sentence(
        exitCode,
        failing,
        failOn,
        report,
        unreliable.map((table) => table.object),
      ),
    },
    run: report.summary,
    locate: parts.locate ?? (() => undefined),
    ...(mutants === undefined ? {} : { mutants }),
  }
}

function actingNotes({ summary }: VerifyReport): string[] {
  return [`acts as ${summary.actingRoles.join(', ')}${summary.sealed ? ', in sealed contexts' : ''}`]
}

function sentence(
  exitCode: 0 | 1 | 2,
  failing: number,
  failOn: Severity,
  { summary }: VerifyReport,
  unreliable: readonly string[],
): string {
  if (exitCode === 2) {
    const first = summary.internalErrors[0]
    if (first !== undefined) return `No verdict: partywall itself failed in ${first.where}: ${first.message}`
    return `No verdict: a control of the attack failed on ${unreliable.join(', ')}, so what held there says nothing.`
  }
  const worst = SEVERITIES[SEVERITIES.length - 1]
  const floor = failOn === worst ? `of severity ${failOn}` : `at or above ${failOn}`
  if (exitCode === 1) return `Isolation is broken: ${failing} finding${failing === 1 ? '' : 's'} ${floor}.`
  const { unproved } = summary.counts.verdicts
  return `No finding ${floor}.${unproved === 0 ? '' : ` ${unproved} verdict${unproved === 1 ? ' is' : 's are'} unproved: the reasons stand with the tables.`}`
}
