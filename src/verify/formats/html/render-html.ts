import { ISO_27001 } from '../controls/iso-27001.ts'
import { OWASP_MULTI_TENANT } from '../controls/owasp-multi-tenant.ts'
import { SOC2 } from '../controls/soc2.ts'
import type { ReportDocument } from '../document.ts'
import { documentDigest, reportId } from '../document-digest.ts'
import { policiesOf, rolesOf } from './as-read.ts'
import { attacksOf, checklistOf, rulesOf } from './catalogue.ts'
import { codeOf, viewsAsReadOf } from './code-as-read.ts'
import { controlRunsOf } from './control-runs.ts'
import { acceptedOf, findingsOf, mutantsOf } from './findings.ts'
import { glossaryOf } from './glossary.ts'
import { headOf } from './head.ts'
import { heldOf } from './held-statements.ts'
import { integrityOf } from './integrity.ts'
import { listOf, renderSection, type Section, text } from './markup.ts'
import { privilegesOf, serverOf } from './privileges.ts'
import { resultsByRoleOf } from './results-by-role.ts'
import { inputsOf, scopeOf } from './scope.ts'
import { sourceAnnexOf } from './source-annex.ts'
import { standardOf } from './standards.ts'
import { htmlStyle } from './style.ts'
import { tablesOf, unwalledOf } from './tables.ts'

/** The report as one HTML file without scripts and without requests, for auditors: what was tried, what held, and the evidence. */
export function renderHtml(document: ReportDocument): string {
  const sections = sectionsOf(document).filter(({ body }) => body !== '')
  const contents = sections.map(({ id, title }) => `<li><a href="#${id}">${text(title)}</a></li>`).join('')
  return `<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta http-equiv="Content-Security-Policy" content="default-src 'none'; style-src 'unsafe-inline'">
<title>Tenant isolation: ${text(document.target)}</title>
<style>${htmlStyle(runningTitle(document))}</style>
</head>
<body>
${headOf(document)}
<nav aria-label="Contents"><h2>Contents</h2><ul>${contents}</ul></nav>
<main>
${sections.map(renderSection).join('\n')}
</main>
</body>
</html>
`
}

/** On each printed page: what was judged, and the id of the report. A report without an id shows the beginning of its digest instead. */
function runningTitle(document: ReportDocument): string {
  const { target, run } = document
  const id = reportId(document) ?? documentDigest(document).slice(0, 12)
  return `Tenant isolation of ${target.slice(0, 40)}, report ${id}, schema digest ${run.schemaDigest.slice(0, 12)}`
}

function sectionsOf(document: ReportDocument): readonly Section[] {
  const { internalErrors, setUp } = document
  const whenAny = (items: readonly unknown[], body: () => string) => (items.length === 0 ? '' : body())
  return [
    { id: 'scope', title: 'Scope', body: scopeOf(document) },
    { id: 'tables', title: 'Tables', body: tablesOf(document) },
    { id: 'findings', title: 'Findings', body: findingsOf(document) },
    { id: 'accepted', title: 'Accepted findings', body: whenAny(document.accepted, () => acceptedOf(document)) },
    {
      id: 'unwalled',
      title: 'Tables in reach that no policy restricts',
      body: document.unwalled.length === 0 ? '<p>None.</p>' : unwalledOf(document),
    },
    {
      id: 'errors',
      title: 'Internal errors',
      body: whenAny(internalErrors, () => listOf(internalErrors.map(({ where, message }) => `${where}: ${message}`))),
    },
    { id: 'reading', title: 'How it was read', body: listOf(document.notes) },
    { id: 'inputs', title: 'Input files and options', body: inputsOf(document) },
    { id: 'server', title: 'Server', body: serverOf(document) },
    { id: 'roles', title: 'Roles', body: rolesOf(document) },
    {
      id: 'role',
      title: 'Lines that make such a role',
      body: whenAny(setUp, () => `<pre>${text(setUp.join('\n'))}</pre>`),
    },
    {
      id: 'mutants',
      title: 'Would this run have noticed?',
      body: document.mutants === undefined ? '' : mutantsOf(document),
    },
    { id: 'checklist', title: 'Checklist', body: whenAny(document.checklist, () => checklistOf(document)) },
    { id: 'soc2', title: SOC2.title, body: standardOf(SOC2, document) },
    { id: 'iso-27001', title: ISO_27001.title, body: standardOf(ISO_27001, document) },
    { id: 'owasp', title: OWASP_MULTI_TENANT.title, body: standardOf(OWASP_MULTI_TENANT, document) },
    { id: 'integrity', title: 'How to check this report', body: integrityOf(document) },
    { id: 'glossary', title: 'Words', body: glossaryOf() },
    { id: 'results', title: 'Results by role', body: resultsByRoleOf(document) },
    { id: 'attacks', title: 'Attacks', body: attacksOf(document) },
    { id: 'controls', title: 'Controls of the attacks', body: controlRunsOf(document) },
    { id: 'held', title: 'Statements that reached nothing', body: heldOf(document) },
    { id: 'privileges', title: 'Privileges', body: privilegesOf(document) },
    { id: 'policies', title: 'Policies as read', body: policiesOf(document) },
    { id: 'views', title: 'Views as read', body: viewsAsReadOf(document) },
    { id: 'code', title: 'Functions and triggers as read', body: codeOf(document) },
    { id: 'source', title: 'Statements of the input files', body: sourceAnnexOf(document) },
    { id: 'rules', title: 'Rules', body: rulesOf(document) },
  ]
}
