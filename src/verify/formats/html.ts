import { VERBS } from '../../catalog/verbs.ts'
import type { Finding } from '../finding/finding.ts'
import { VERDICT_NAMES, VERDICTS } from '../finding/verdict.ts'
import { bySeverity, countFindings } from './by-severity.ts'
import type { ReportDocument } from './document.ts'
import { escapeMarkup } from './escape-text.ts'
import { HTML_STYLE } from './html-style.ts'
import { criteriaOf, TRUST_CRITERIA } from './trust-criteria.ts'

/** The report as one HTML file without scripts or links, for auditors: what was tried, what held, and the evidence. */
export function renderHtml(document: ReportDocument): string {
  const { summary } = document
  const sections = [
    section('Result', resultOf(document)),
    section('How it was read', listOf(document.notes)),
    document.setUp.length === 0
      ? ''
      : section('Lines that make such a role', `<pre>${escapeMarkup(document.setUp.join('\n'))}</pre>`),
    section('What was tried', triedOf(document)),
    section('Tables', tablesOf(document)),
    ...(document.unwalled.length === 0 ? [] : [section('In reach without a wall', unwalledOf(document))]),
    section('Findings', findingsOf(document)),
    document.accepted.length === 0 ? '' : section('Accepted findings', acceptedOf(document)),
    document.mutants === undefined ? '' : section('Would this run have noticed?', mutantsOf(document)),
    document.internalErrors.length === 0
      ? ''
      : section('Internal errors', listOf(document.internalErrors.map(({ where, message }) => `${where}: ${message}`))),
    section('Not looked at', listOf([...document.gaps, ...document.warnings], 'Nothing was left out.')),
    section('Trust services criteria', criteriaTable(document)),
    document.checklist.length === 0 ? '' : section('Checklist', checklistOf(document)),
  ]
  return `<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta http-equiv="Content-Security-Policy" content="default-src 'none'; style-src 'unsafe-inline'">
<title>Tenant isolation: ${text(document.target)}</title>
<style>${HTML_STYLE}</style>
</head>
<body>
<header><h1>Tenant isolation of ${text(document.target)}</h1>
<p>partywall ${text(document.toolVersion)}, <code>partywall verify</code>, exit code ${summary.exitCode}</p></header>
<main>
${sections.filter((each) => each !== '').join('\n')}
</main>
</body>
</html>
`
}

const text = escapeMarkup

function section(title: string, body: string): string {
  return `<section><h2>${title}</h2>\n${body}\n</section>`
}

function listOf(items: readonly string[], none = ''): string {
  if (items.length === 0) return `<p>${none}</p>`
  return `<ul>${items.map((item) => `<li>${text(item)}</li>`).join('')}</ul>`
}

function table(head: readonly string[], rows: readonly (readonly string[])[]): string {
  const cells = (tag: string, row: readonly string[]) => row.map((cell) => `<${tag}>${cell}</${tag}>`).join('')
  return `<table><thead><tr>${cells('th', head)}</tr></thead><tbody>${rows.map((row) => `<tr>${cells('td', row)}</tr>`).join('\n')}</tbody></table>`
}

function resultOf({ summary, failOn }: ReportDocument): string {
  const state = summary.exitCode === 0 ? 'good' : 'bad'
  const verdicts = Object.entries(summary.verdicts).map(([verdict, number]) => `${number} ${verdict}`)
  return `<p class="${state}">${text(summary.verdict)}</p>
<p>${countFindings(summary.findings)}, ${summary.accepted} accepted. ${summary.tables} tables, by table and verb: ${verdicts.join(', ')}.
Findings from <b>${failOn}</b> up fail the run.</p>
<dl>${VERDICT_NAMES.map((name) => `<dt>${name}</dt><dd>${escapeMarkup(VERDICTS[name].meaning)}</dd>`).join('\n')}</dl>`
}

function triedOf(document: ReportDocument): string {
  const rules = table(
    ['rule', 'what it looks for', 'findings'],
    document.rules.map((rule) => [
      `<code>${text(rule.id)}</code>`,
      text(rule.title),
      String(document.findings.filter((finding) => finding.rule === rule.id).length),
    ]),
  )
  if (document.attacks.length === 0) {
    return `<p>The catalog was read and policies were proved; nothing was attacked.</p>\n${rules}`
  }
  const attacks = table(
    ['attack', 'what it does'],
    document.attacks.map((attack) => [`<code>${text(attack.name)}</code>`, text(attack.title)]),
  )
  return `<p>${document.summary.probes} probes as two tenants, in one transaction that was rolled back.</p>\n${attacks}\n${rules}`
}

function unwalledOf(document: ReportDocument): string {
  return table(
    ['table', 'what the application’s roles may do', 'why it does not count as a tenant table'],
    document.unwalled.map(({ object, verbs, reason }) => [
      `<code>${text(object)}</code>`,
      text(verbs.join(', ')),
      text(reason),
    ]),
  )
}

function tablesOf(document: ReportDocument): string {
  if (document.tables.length === 0) return '<p>No tenant table was found.</p>'
  return table(
    ['table', ...VERBS],
    document.tables.map((each) => [
      `<code>${text(each.object)}</code>`,
      ...VERBS.map((verb) => {
        const verdict = each.verbs[verb]
        if (verdict === undefined) return '–'
        const reason = each.reasons[verb]
        return `<span class="${verdict}">${verdict}</span>${reason === undefined ? '' : `<small>${text(reason)}</small>`}`
      }),
    ]),
  )
}

function findingsOf(document: ReportDocument): string {
  if (document.findings.length === 0) return '<p>None.</p>'
  return bySeverity(document.findings)
    .map(({ severity, findings }) => {
      return `<h3 class="${severity}">${severity}</h3>${findings.map((finding) => findingOf(finding, document)).join('\n')}`
    })
    .join('\n')
}

function findingOf(finding: Finding, document: ReportDocument): string {
  const made = document.locate(finding.object)
  return `<article><h4><code>${text(finding.object)}</code> ${text(finding.rule)}</h4>
<p>${text(finding.message)}${made === undefined ? '' : ` <small>${text(made.file)}:${made.line}</small>`}</p>
${listOf([`proof: ${finding.proof}`, ...finding.evidence, `key: ${finding.key}`])}
<pre>${text(finding.fix)}</pre></article>`
}

function acceptedOf(document: ReportDocument): string {
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

function mutantsOf(document: ReportDocument): string {
  const { killed = 0, total = 0, survivors = [] } = document.mutants ?? {}
  return `<p>${killed} of ${total} deliberately weakened forms of this schema were noticed.</p>
${listOf(survivors.map((each) => `not noticed: ${each.name} on ${each.object}: ${each.reason}`))}`
}

function criteriaTable(document: ReportDocument): string {
  const groups = new Map(document.rules.map((rule) => [rule.id, rule.group]))
  return table(
    ['criterion', 'what this report shows for it', 'rules asked', 'findings'],
    TRUST_CRITERIA.map((criterion) => {
      const applies = (group: string | undefined) => criteriaOf(group ?? '').includes(criterion.id)
      return [
        criterion.id,
        text(criterion.shows),
        String(document.rules.filter((rule) => applies(rule.group)).length),
        String(document.findings.filter((finding) => applies(groups.get(finding.rule))).length),
      ]
    }),
  )
}

function checklistOf(document: ReportDocument): string {
  return table(
    ['line', 'verdict', 'by'],
    document.checklist.map((line) => [text(line.title), line.verdict, text(line.detail)]),
  )
}
