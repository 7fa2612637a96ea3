import { atLeast, type Finding, SEVERITIES, type Severity, type TableVerdict, type Verdict } from './finding.ts'
import type { VerifyReport } from './report-model.ts'

export function countFindings(findings: readonly Finding[]): Readonly<Record<Severity, number>> {
  const counts: Record<Severity, number> = { info: 0, low: 0, medium: 0, high: 0, critical: 0 }
  for (const finding of findings) counts[finding.severity] += 1
  return counts
}

export function countVerdicts(tables: readonly TableVerdict[]): Readonly<Record<Verdict, number>> {
  const counts: Record<Verdict, number> = { proved: 0, held: 0, leaks: 0, unproved: 0, unreliable: 0 }
  for (const table of tables) for (const verdict of Object.values(table.verbs)) counts[verdict] += 1
  return counts
}

/** 0 holds, 1 findings at or above the floor, 2 unreliable or an error of partywall itself. */
export function exitCodeOf(report: VerifyReport, failOn: Exclude<Severity, 'info'> = 'medium'): 0 | 1 | 2 {
  if (report.summary.internalErrors.length > 0 || report.summary.counts.verdicts.unreliable > 0) return 2
  return SEVERITIES.some((severity) => atLeast(severity, failOn) && report.summary.counts.findings[severity] > 0)
    ? 1
    : 0
}
