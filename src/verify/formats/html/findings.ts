import type { Finding } from '../../finding/finding.ts'
import { bySeverity } from '../by-severity.ts'
import type { ReportDocument } from '../document.ts'
import { listOf, table, text } from './markup.ts'
import { findingAnchor } from './tables.ts'

export function findingsOf(document: ReportDocument): string {
  if (document.findings.length === 0) return '<p>None.</p>'
  return bySeverity(document.findings)
    .map(({ severity, findings }) => {
      return `<h3 class="${severity}">${severity}</h3>${findings.map((finding) => findingOf(finding, document)).join('\n')}`
    })
    .join('\n')
}

function findingOf(finding: Finding, document: ReportDocument): string {
  const made = document.locate(finding.object)
  const isListed = document.rules.some(({ id }) => id === finding.rule)
  const rule = isListed ? `<a href="#rule-${text(finding.rule)}">${text(finding.rule)}</a>` : text(finding.rule)
  const anchor = findingAnchor(document.findings.indexOf(finding))
  return `<article id="${anchor}"><h4><code>${text(finding.object)}</code>: ${rule}</h4>
<p>${text(finding.message)}${made === undefined ? '' : ` <small>${text(made.file)}:${made.line}</small>`}</p>
<h5>Evidence</h5>
${listOf([`proof: ${finding.proof}`, ...finding.evidence, `key: ${finding.key}`])}
<h5>Fix</h5>
<pre>${text(finding.fix)}</pre></article>`
}

export function acceptedOf(document: ReportDocument): string {
  return table(
    ['finding', 'severity', 'reason', 'until'],
    document.accepted.map(({ finding, reason, expires }) => [
      `<code>${text(finding.key)}</code>`,
      finding.severity,
      text(reason),
      text(expires ?? 'without end'),
    ]),
  )
}

export function mutantsOf(document: ReportDocument): string {
  const { killed = 0, total = 0, survivors = [] } = document.mutants ?? {}
  return `<p>${killed} of ${total} deliberately weakened forms of this schema were noticed.</p>
${listOf(survivors.map((each) => `not noticed: ${each.name} on ${each.object}: ${each.reason}`))}`
}
