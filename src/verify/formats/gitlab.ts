import { createHash } from 'node:crypto'
import type { Severity } from '../finding/finding.ts'
import type { ReportDocument } from './document.ts'
import { printableJson } from './escape-text.ts'

const SEVERITIES: Readonly<Record<Severity, string>> = {
  critical: 'blocker',
  high: 'critical',
  medium: 'major',
  low: 'minor',
  info: 'info',
}

/**
 * A Code Quality report: GitLab shows the findings in the merge request.
 *
 * GitLab requires a file for each finding. In the report of a database no file is known, so a finding names its object as the path.
 *
 * @see GitLab "Code Quality report format"
 */
export function renderGitlab(document: ReportDocument): string {
  const issues = document.findings.map((finding) => {
    const made = document.locate(finding.object)
    return {
      description: `${finding.object}: ${finding.message}`,
      check_name: finding.rule,
      fingerprint: createHash('sha256').update(finding.key).digest('hex'),
      severity: SEVERITIES[finding.severity],
      content: { body: finding.fix },
      location: { path: made?.file ?? finding.object, lines: { begin: made?.line ?? 1 } },
    }
  })
  return `${printableJson(issues)}\n`
}
