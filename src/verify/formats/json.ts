import type { ReportDocument } from './document.ts'
import { printableJson } from './escape-text.ts'

/** Increased when a field changes its meaning or is removed, but not for new fields. */
const JSON_VERSION = 1

/** The report as JSON. It contains no time and no planted value, so the same database gives the same bytes. */
export function renderJson(document: ReportDocument): string {
  const { mutants, tool, made } = document
  const report = {
    version: JSON_VERSION,
    tool: { name: 'partywall', version: document.toolVersion, ...tool },
    target: document.target,
    failOn: document.failOn,
    findings: document.findings.map((finding) => {
      const location = document.locate(finding.object)
      return location === undefined ? finding : { ...finding, location }
    }),
    accepted: document.accepted.map(({ finding, reason, expires }) => ({
      ...finding,
      reason,
      expires: expires ?? null,
    })),
    tables: document.tables,
    unwalled: document.unwalled,
    attacks: document.attacks,
    checklist: document.checklist,
    notes: document.notes,
    gaps: document.gaps,
    ...(document.setUp.length === 0 ? {} : { setUp: document.setUp }),
    warnings: document.warnings,
    ...(mutants === undefined ? {} : { mutants }),
    ...(made?.inputs === undefined ? {} : { inputs: made.inputs.map(({ statements: _statements, ...file }) => file) }),
    ...(made?.ownInputs === undefined || made.ownInputs.length === 0 ? {} : { ownMigrations: made.ownInputs }),
    examined: { ...document.examined, scripts: undefined, held: undefined },
    summary: {
      ...document.run,
      counts: { ...document.run.counts, findings: document.summary.findings, accepted: document.summary.accepted },
      exitCode: document.summary.exitCode,
      verdict: document.summary.verdict,
    },
  }
  return `${printableJson(report)}\n`
}
