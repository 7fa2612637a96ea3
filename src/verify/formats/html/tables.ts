import { VERBS } from '../../../catalog/verbs.ts'
import type { Finding, TableVerdict } from '../../finding/finding.ts'
import type { ReportDocument } from '../document.ts'
import { table, text } from './markup.ts'

/** The verdict of each table and verb. Reasons and findings of a table open below its name. */
export function tablesOf(document: ReportDocument): string {
  if (document.tables.length === 0) return '<p>No tenant table was found.</p>'
  return table(
    ['table', ...VERBS],
    document.tables.map((each) => [
      nameOf(each, document),
      ...VERBS.map((verb) => {
        const verdict = each.verbs[verb]
        return verdict === undefined ? '–' : `<span class="${verdict}">${verdict}</span>`
      }),
    ]),
  )
}

function nameOf(each: TableVerdict, document: ReportDocument): string {
  const name = `<code>${text(each.object)}</code>`
  const reasons = VERBS.flatMap((verb) =>
    each.reasons[verb] === undefined ? [] : `${verb}: ${text(each.reasons[verb])}`,
  )
  // A finding with one cause stands for several objects, and its evidence names them.
  const concerns = ({ object, evidence }: Finding) =>
    object === each.object || evidence.some((line) => line.split(/[\s,:;]+/).includes(each.object))
  const findings = document.findings.flatMap((finding, at) =>
    concerns(finding) ? `<a href="#${findingAnchor(at)}">${text(finding.rule)}</a>` : [],
  )
  const more = [...reasons, ...findings]
  if (more.length === 0) return name
  return `<details open><summary>${name}</summary>${more.map((line) => `<small>${line}</small>`).join('')}</details>`
}

/** The anchor of a finding, by its place in the document. */
export function findingAnchor(at: number): string {
  return `finding-${at + 1}`
}

export function unwalledOf(document: ReportDocument): string {
  return table(
    ['table', 'what the application’s roles may do', 'why it does not count as a tenant table'],
    document.unwalled.map(({ object, verbs, reason }) => [
      `<code>${text(object)}</code>`,
      text(verbs.join(', ')),
      text(reason),
    ]),
  )
}
