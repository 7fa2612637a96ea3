import { VERBS } from '../../catalog/verbs.ts'
import type { Finding } from '../finding/finding.ts'
import { VERDICTS } from '../finding/verdict.ts'
import { bySeverity, countFindings } from './by-severity.ts'
import type { ReportDocument } from './document.ts'
import { escapeMarkdown, fenced } from './escape-text.ts'

/** The report for a pull request or a wiki. */
export function renderMarkdown(document: ReportDocument): string {
  const { summary } = document
  const parts = [
    `# partywall verify: ${escapeMarkdown(document.target)}`,
    `**${escapeMarkdown(summary.verdict)}** ${countFindings(summary.findings)}${summary.accepted === 0 ? '' : `, ${summary.accepted} accepted`}.`,
    list(document.notes),
    document.setUp.length === 0 ? '' : `These lines make such a role:\n\n${fenced(document.setUp.join('\n'), 'sql')}`,
  ]
  for (const { severity, findings } of bySeverity(document.findings)) {
    parts.push(`## ${severity}`, ...findings.map((finding) => renderFinding(finding, document)))
  }
  if (document.accepted.length > 0) {
    parts.push(
      '## Accepted',
      list(
        document.accepted.map(({ finding, reason, expires }) => {
          return `${finding.key}: ${reason}${expires === undefined ? '' : ` (until ${expires})`}`
        }),
      ),
    )
  }
  parts.push('## Tables', tableOfTables(document))
  if (document.unwalled.length > 0)
    parts.push(
      '## In reach without a wall',
      list(document.unwalled.map(({ object, verbs, reason }) => `${object} (${verbs.join(', ')}): ${reason}`)),
    )
  if (document.mutants !== undefined) {
    const { killed, total, survivors } = document.mutants
    parts.push('## Mutants', `${killed} of ${total} weakened schemas were noticed.`)
    parts.push(list(survivors.map((each) => `not noticed: ${each.name} on ${each.object}: ${each.reason}`)))
  }
  if (document.internalErrors.length > 0) {
    parts.push('## Internal errors', list(document.internalErrors.map(({ where, message }) => `${where}: ${message}`)))
  }
  if (document.warnings.length > 0) parts.push('## Baseline', list(document.warnings))
  if (document.gaps.length > 0) parts.push('## Not looked at', list(document.gaps))
  if (document.checklist.length > 0) parts.push('## Checklist', checklistOf(document))
  return `${parts.filter((part) => part !== '').join('\n\n')}\n`
}

function renderFinding(finding: Finding, document: ReportDocument): string {
  const made = document.locate(finding.object)
  const where = made === undefined ? '' : ` (${escapeMarkdown(made.file)}:${made.line})`
  return [
    `### ${escapeMarkdown(finding.rule)}: ${escapeMarkdown(finding.object)}`,
    `${escapeMarkdown(finding.message)}${where}`,
    list([`proof: ${finding.proof}`, ...reasonOf(finding), ...finding.evidence, `key: ${finding.key}`]),
    fenced(finding.fix, 'sql'),
  ].join('\n\n')
}

function reasonOf({ severity, severityReason }: Finding): readonly string[] {
  return severityReason === undefined ? [] : [`severity ${severity}, which is not that of the rule: ${severityReason}`]
}

function tableOfTables(document: ReportDocument): string {
  const rows = document.tables.map((table) => {
    const cells = VERBS.map((verb) => {
      const verdict = table.verbs[verb]
      if (verdict === undefined) return '–'
      const reason = table.reasons[verb]
      const said = VERDICTS[verdict].checklist === 'stays open' ? reason : undefined
      return said === undefined ? mark(verdict) : `${mark(verdict)}: ${escapeMarkdown(said)}`
    })
    return `| ${[escapeMarkdown(table.object), ...cells].join(' | ')} |`
  })
  if (rows.length === 0) return 'No tenant table was found.'
  return [`| table | ${VERBS.join(' | ')} |`, `| --- |${' --- |'.repeat(VERBS.length)}`, ...rows].join('\n')
}

function mark(verdict: string): string {
  return verdict === 'leaks' || verdict === 'unreliable' ? `**${verdict}**` : verdict
}

function checklistOf(document: ReportDocument): string {
  return list(
    document.checklist.map((line) => `${line.verdict}: ${line.title}${line.detail === '' ? '' : ` (${line.detail})`}`),
  )
}

function list(items: readonly string[]): string {
  return items.map((item) => `- ${escapeMarkdown(item)}`).join('\n')
}
