import { VERBS } from '../../catalog/verbs.ts'
import { atLeast, type Finding, type TableVerdict } from '../finding/finding.ts'
import { VERDICTS, type Verdict } from '../finding/verdict.ts'
import type { InternalError } from '../report/report-model.ts'
import type { AcceptedFinding, ReportDocument } from './document.ts'
import { escapeMarkup } from './escape-text.ts'

interface TestCase {
  readonly name: string
  readonly outcome: 'passed' | 'failure' | 'error' | 'skipped'
  readonly message: string
  readonly text: string
}

/** The report as test results: one suite for the tables and their verbs, one for the findings. */
export function renderJunit(document: ReportDocument): string {
  const suites = [
    { name: 'tables', cases: document.tables.flatMap((table) => casesOfTable(table, document)) },
    {
      name: 'without a wall',
      cases: document.unwalled.map(
        ({ object, verbs, reason }): TestCase => ({
          name: object,
          outcome: 'skipped',
          message: `${verbs.join(', ')} by everybody in reach: ${reason}`,
          text: '',
        }),
      ),
    },
    {
      name: 'findings',
      cases: [
        ...document.findings.map((finding) => caseOfFinding(finding, document)),
        ...document.accepted.map(caseOfAccepted),
        ...document.internalErrors.map(caseOfError),
      ],
    },
  ]
  const all = suites.flatMap((suite) => suite.cases)
  const body = suites.map(
    (suite) => `  <testsuite name="partywall verify: ${suite.name}" ${counts(suite.cases)} time="0">
${suite.cases.map((each) => renderCase(suite.name, each)).join('')}  </testsuite>
`,
  )
  return `<?xml version="1.0" encoding="UTF-8"?>
<testsuites name="partywall verify: ${escapeMarkup(document.target)}" ${totals(all)} time="${document.made?.seconds.toFixed(3) ?? 0}">
${body.join('')}</testsuites>
`
}

function casesOfTable(table: TableVerdict, document: ReportDocument): TestCase[] {
  return VERBS.flatMap((verb): TestCase[] => {
    const verdict = table.verbs[verb]
    if (verdict === undefined) return []
    const message = `${verdict}${table.reasons[verb] === undefined ? '' : `: ${table.reasons[verb]}`}`
    return [{ name: `${table.object} ${verb}`, outcome: outcomeOf(verdict, document), message, text: '' }]
  })
}

function outcomeOf(verdict: Verdict, document: ReportDocument): TestCase['outcome'] {
  const { checklist, exitCode } = VERDICTS[verdict]
  if (exitCode === '2') return 'error'
  // Findings that a baseline accepts or that are below --fail-on do not fail in any format.
  if (checklist === 'fails') return document.summary.exitCode === 0 ? 'skipped' : 'failure'
  return checklist === 'stays open' ? 'skipped' : 'passed'
}

function caseOfFinding(finding: Finding, document: ReportDocument): TestCase {
  return {
    name: finding.key,
    outcome: finding.severity !== 'info' && atLeast(finding.severity, document.failOn) ? 'failure' : 'passed',
    message: `${finding.severity}: ${finding.object}: ${finding.message}`,
    text: [`proof: ${finding.proof}`, ...finding.evidence, '', finding.fix].join('\n'),
  }
}

function caseOfAccepted({ finding, reason }: AcceptedFinding): TestCase {
  return { name: finding.key, outcome: 'skipped', message: `accepted: ${reason}`, text: '' }
}

function caseOfError({ where, message }: InternalError): TestCase {
  return { name: where, outcome: 'error', message: `internal error: ${message}`, text: '' }
}

/** Counts for the element of all suites. The JUnit schema allows `skipped` only on a single suite. */
function totals(cases: readonly TestCase[]): string {
  return `tests="${cases.length}" failures="${numberOf(cases, 'failure')}" errors="${numberOf(cases, 'error')}"`
}

function counts(cases: readonly TestCase[]): string {
  return `${totals(cases)} skipped="${numberOf(cases, 'skipped')}"`
}

function numberOf(cases: readonly TestCase[], outcome: TestCase['outcome']): number {
  return cases.filter((each) => each.outcome === outcome).length
}

function renderCase(suite: string, { name, outcome, message, text }: TestCase): string {
  const head = `    <testcase classname="partywall.${suite}" name="${escapeMarkup(name)}" time="0"`
  const body = escapeMarkup(text)
  if (outcome === 'passed') {
    return text === ''
      ? `${head}/>\n`
      : `${head}>\n      <system-out>${escapeMarkup(message)}\n${body}</system-out>\n    </testcase>\n`
  }
  const type = outcome === 'skipped' ? '' : ` type="${outcome}"`
  const inner = body === '' ? '/>' : `>${body}</${outcome}>`
  return `${head}>\n      <${outcome} message="${escapeMarkup(message)}"${type}${inner}\n    </testcase>\n`
}
