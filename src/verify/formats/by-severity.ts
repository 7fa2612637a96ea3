import { type Finding, SEVERITIES, type Severity } from '../finding/finding.ts'

/** Groups findings by severity, the worst first. Inside a group, findings keep the order of `verify`. */
export function bySeverity(
  findings: readonly Finding[],
): readonly { readonly severity: Severity; readonly findings: readonly Finding[] }[] {
  return [...SEVERITIES]
    .reverse()
    .map((severity) => ({ severity, findings: findings.filter((finding) => finding.severity === severity) }))
    .filter((group) => group.findings.length > 0)
}

/** `3 findings (1 critical, 2 low)`. */
export function countFindings(counts: Readonly<Record<Severity, number>>): string {
  const total = SEVERITIES.reduce((sum, severity) => sum + counts[severity], 0)
  const parts = [...SEVERITIES]
    .reverse()
    .filter((severity) => counts[severity] > 0)
    .map((severity) => `${counts[severity]} ${severity}`)
  return `${total} finding${total === 1 ? '' : 's'}${parts.length === 0 ? '' : ` (${parts.join(', ')})`}`
}
