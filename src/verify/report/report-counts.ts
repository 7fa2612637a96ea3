import { atLeast, type Finding, type Severity, type TableVerdict } from '../finding/finding.ts'
import { noVerdicts, VERDICTS, type Verdict } from '../finding/verdict.ts'
import type { VerifyReport } from './report-model.ts'

export function countFindings(findings: readonly Finding[]): Readonly<Record<Severity, number>> {
  const counts: Record<Severity, number> = { info: 0, low: 0, medium: 0, high: 0, critical: 0 }
  for (const finding of findings) counts[finding.severity] += 1
  return counts
}

export function countVerdicts(tables: readonly TableVerdict[]): Readonly<Record<Verdict, number>> {
  const counts = noVerdicts()
  for (const table of tables) for (const verdict of Object.values(table.verbs)) counts[verdict] += 1
  return counts
}

/** Tables with a verdict whose exit code is 2: the run gives no answer about them. */
export function unreliableTables(tables: readonly TableVerdict[]): readonly string[] {
  return tables
    .filter((table) => Object.values(table.verbs).some((verdict) => VERDICTS[verdict].exitCode === '2'))
    .map((table) => table.object)
}

/**
 * The exit code of a run:
 * - 0: no finding at or above `failOn`;
 * - 1: at least one such finding;
 * - 2: no answer, because a verdict is `unreliable`, the application's role reaches no tenant table, or partywall itself failed. 2 takes
 *   precedence over 1.
 *
 * @param findings the findings that decide, such as those that remain after a baseline. Default: all findings of the report
 */
export function exitCodeOf(
  report: VerifyReport,
  failOn: Exclude<Severity, 'info'> = 'medium',
  findings: readonly Finding[] = report.findings,
): 0 | 1 | 2 {
  if (report.summary.internalErrors.length > 0 || unreliableTables(report.tables).length > 0) return 2
  if (!report.summary.reachable) return 2
  return findings.some((finding) => finding.severity !== 'info' && atLeast(finding.severity, failOn)) ? 1 : 0
}
