import type { Finding, Severity } from '../finding/finding.ts'
import type { ReportDocument, RuleInfo } from './document.ts'
import { printableJson } from './escape-text.ts'

const SCHEMA = 'https://json.schemastore.org/sarif-2.1.0.json'
const levels = { critical: 'error', high: 'error', medium: 'warning', low: 'note', info: 'note' } as const
/** Scores by which code hosts sort findings; see "security-severity" in GitHub's SARIF support. */
const scores: Readonly<Record<Severity, string>> = {
  critical: '9.5',
  high: '8.0',
  medium: '5.5',
  low: '3.0',
  info: '0.1',
}

/**
 * The report for code hosts and security dashboards.
 *
 * @see OASIS SARIF 2.1.0
 */
export function renderSarif(document: ReportDocument): string {
  const rules = rulesOf(document)
  const indexes = new Map(rules.map((rule, index) => [rule.id, index]))
  const result = (finding: Finding) => ({
    ruleId: finding.rule,
    ruleIndex: indexes.get(finding.rule) ?? -1,
    level: levels[finding.severity],
    kind: 'fail',
    message: { text: `${finding.object}: ${finding.message}` },
    locations: [locationOf(document, finding)],
    partialFingerprints: { 'partywallKey/v1': finding.key },
    properties: {
      severity: finding.severity,
      proof: finding.proof,
      evidence: finding.evidence,
      fix: finding.fix,
      key: finding.key,
    },
  })
  const run = {
    tool: {
      driver: {
        name: 'partywall',
        version: document.toolVersion,
        semanticVersion: document.toolVersion,
        rules: rules.map(describeRule),
      },
    },
    columnKind: 'utf16CodeUnits',
    invocations: [
      {
        executionSuccessful: document.summary.exitCode !== 2,
        exitCode: document.summary.exitCode,
        toolExecutionNotifications: [
          ...document.internalErrors.map(({ where, message }) => ({
            level: 'error',
            message: { text: `internal error in ${where}: ${message}` },
          })),
          ...[...document.warnings, ...document.gaps].map((text) => ({ level: 'note', message: { text } })),
        ],
      },
    ],
    results: [
      ...document.findings.map(result),
      ...document.accepted.map(({ finding, reason }) => ({
        ...result(finding),
        suppressions: [{ kind: 'external', status: 'accepted', justification: reason }],
      })),
    ],
    properties: {
      target: document.target,
      summary: document.summary,
      tables: document.tables,
      unwalled: document.unwalled,
    },
  }
  return `${printableJson({ $schema: SCHEMA, version: '2.1.0', runs: [run] })}\n`
}

/** The rules of this report. A finding whose rule has no description still gets an entry. */
function rulesOf(document: ReportDocument): readonly RuleInfo[] {
  const known = new Map(document.rules.map((rule) => [rule.id, rule]))
  const findings = [...document.findings, ...document.accepted.map((accepted) => accepted.finding)]
  for (const { rule, severity, message } of findings) {
    if (!known.has(rule)) {
      known.set(rule, { id: rule, group: 'other', title: rule, severity, meaning: message, remedy: 'See the fix.' })
    }
  }
  return [...known.values()].sort((a, b) => (a.id < b.id ? -1 : 1))
}

function describeRule(rule: RuleInfo) {
  return {
    id: rule.id,
    name: rule.id.replace(/(?:^|-)(\w)/g, (_, letter: string) => letter.toUpperCase()),
    shortDescription: { text: rule.title },
    fullDescription: { text: rule.meaning },
    help: { text: rule.remedy },
    defaultConfiguration: { level: levels[rule.severity] },
    properties: { 'security-severity': scores[rule.severity], tags: ['security', 'multi-tenant', rule.group] },
  }
}

function locationOf(document: ReportDocument, finding: Finding) {
  const made = document.locate(finding.object)
  const logicalLocations = [{ fullyQualifiedName: finding.object, kind: 'object' }]
  if (made === undefined) return { logicalLocations }
  return {
    physicalLocation: {
      artifactLocation: { uri: made.file.split(/[\\/]/).map(encodeURIComponent).join('/') },
      region: { startLine: made.line },
    },
    logicalLocations,
  }
}
