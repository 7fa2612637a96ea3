import { VERBS, type Verb } from '../../../catalog/verbs.ts'
import type { Finding, TableVerdict } from '../../finding/finding.ts'
import { VERDICT_NAMES, VERDICTS, type Verdict } from '../../finding/verdict.ts'
import type { ReportDocument } from '../document.ts'
import { findingLink, linksOfKeys } from './finding-numbers.ts'
import { code, rich, table, text } from './markup.ts'

/** The verdict of each table and verb, with the findings behind it, and then the reasons. */
export function tablesOf(document: ReportDocument): string {
  if (document.tables.length === 0) return '<p>No tenant table was found.</p>'
  const rows = document.tables.map((each) => [
    code(each.object),
    ...VERBS.map((verb) => cellOf(each, verb, document)),
    notesOf(each, document),
  ])
  return `${table(['table', ...VERBS, 'reasons and findings'], rows, VERBS)}\n${legendOf(document)}`
}

function cellOf({ object, verbs }: TableVerdict, verb: Verb, document: ReportDocument): string {
  const verdict = verbs[verb]
  if (verdict === undefined) return '–'
  const leak = document.examined.leaks.find((each) => each.object === object && each.verb === verb)
  const links = leak === undefined ? [] : linksOfKeys(leak.keys, document)
  const by =
    leak === undefined ? '' : `<small>by ${leak.by}${links.length === 0 ? '' : `: ${links.join(', ')}`}</small>`
  return `<span class="${verdict}">${verdict}</span>${by}`
}

function notesOf({ object, reasons }: TableVerdict, document: ReportDocument): string {
  const byReason = new Map<string, Verb[]>()
  for (const verb of VERBS) {
    // If several verbs have the same reason, print one line for them.
    const said = reasons[verb]
    const reason = said?.endsWith(` may ${verb}`) ? said.replace(/ may \w+$/, ' has this privilege') : said
    if (reason !== undefined) byReason.set(reason, [...(byReason.get(reason) ?? []), verb])
  }
  const lines = [...byReason].map(([reason, verbs]) => `${verbs.join(', ')}: ${rich(reason)}`)
  const findings = document.findings.flatMap((finding, at) =>
    concerns(finding, object, document) ? [`${findingLink(at)} ${text(finding.rule)}`] : [],
  )
  return [...lines, ...findings].map((line) => `<small>${line}</small>`).join('')
}

/**
 * Whether a finding is about an object. A folded finding stands for several objects, and other findings name the table in their evidence.
 */
function concerns(finding: Finding, object: string, { singly }: ReportDocument): boolean {
  const all = [finding, ...singly.filter(({ key }) => finding.alike?.includes(key) === true)]
  return all.some(
    (each) => each.object === object || each.evidence.some((line) => line.split(/[\s,:;]+/).includes(object)),
  )
}

/** Explains the verdicts that this report contains. */
function legendOf({ summary }: ReportDocument): string {
  const used = VERDICT_NAMES.filter((name) => summary.verdicts[name] > 0)
  return `<dl>${used.map((name) => `<dt class="${name}">${name}</dt><dd>${meaningOf(name)}</dd>`).join('\n')}</dl>`
}

function meaningOf(name: Verdict): string {
  if (name === 'leaks')
    return 'rows of another tenant can be reached. “By attack”: an attack of this run reached such rows by this verb. “By reading”: grants, policies or row-level security show it, and no attack is known to have reached rows of this table by this verb'
  // The sentences are shared with the manual, which explains controls further down.
  return rich(VERDICTS[name].meaning.replace(' (see below)', ''))
}

export function unwalledOf(document: ReportDocument): string {
  return `<p>Tables that verify does not take for tables of tenants, that no policy restricts, and on which a role that was tried has privileges. Each tenant may do what the second column says to all rows of the table. Somebody who knows what the tables contain must decide whether that is right.</p>
${table(
  ['table', 'what the application’s roles may do', 'why it does not count as a tenant table'],
  document.unwalled.map(({ object, verbs, reason }) => [code(object), text(verbs.join(', ')), text(reason)]),
)}`
}
