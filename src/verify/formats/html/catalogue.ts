import type { Standard } from '../controls/control.ts'
import type { ReportDocument } from '../document.ts'
import { table, text } from './markup.ts'

/** A standard line by line: the evidence in this report, or the reason why it has none. */
export function standardOf(standard: Standard, document: ReportDocument): string {
  const groupOf = new Map(document.rules.map((rule) => [rule.id, rule.group]))
  const rows = standard.controls.map(({ id, asks, groups, says }) => {
    if (groups === undefined) return [text(id), text(asks), text(says), '–', '–']
    const asked = document.rules.filter((rule) => groups.includes(rule.group)).length
    const found = document.findings.filter((finding) => groups.includes(groupOf.get(finding.rule) ?? '')).length
    return [text(id), text(asks), text(says), String(asked), String(found)]
  })
  return `<p>Published at <code>${text(standard.source)}</code>. The lines are given in our words.</p>
${table(['line', 'what it asks', 'what this report says', 'rules asked', 'findings'], rows)}`
}

export function checklistOf(document: ReportDocument): string {
  return table(
    ['line', 'verdict', 'by'],
    document.checklist.map((line) => [text(line.title), line.verdict, text(line.detail)]),
  )
}

export function attacksOf(document: ReportDocument): string {
  if (document.attacks.length === 0)
    return '<p>The catalog was read and policies were proved; nothing was attacked.</p>'
  const attacks = table(
    ['attack', 'what it does'],
    document.attacks.map((attack) => [`<code>${text(attack.name)}</code>`, text(attack.title)]),
  )
  return `<p>${document.summary.probes} probes as two tenants, in one transaction that was rolled back.</p>\n${attacks}`
}

export function rulesOf(document: ReportDocument): string {
  return table(
    ['rule', 'what it looks for', 'severity', 'findings'],
    document.rules.map((rule) => [
      `<code id="rule-${text(rule.id)}">${text(rule.id)}</code>`,
      text(rule.title),
      rule.severity,
      String(document.findings.filter((finding) => finding.rule === rule.id).length),
    ]),
  )
}
