import { databaseEvidence as evidenceOfReport } from '../cli/verify/verify-checklist.ts'
import type { Evidence } from '../src/report/evidence.ts'
import { verifyDatabase } from '../src/verify/verify-database.ts'
import type { Stage } from './stage.ts'

// The demo created these tables to test single layers. They do not belong to the schema under test.
const PROBE_TABLES = ['unsealed_documents', 'guarded_notes']

/** The result of `partywall verify` on the demo's own database, including attacks. */
export async function databaseEvidence(stage: Stage, say: (line: string) => void): Promise<readonly Evidence[]> {
  for (const table of PROBE_TABLES) await stage.admin(`drop table if exists ${table}`)
  const report = await verifyDatabase({
    databaseUrl: stage.adminUrl,
    appRole: 'app',
    sealSecret: stage.kit.env.sealSecret,
    mode: 'attack',
  })
  const { counts } = report.summary
  say(
    `${counts.tables} tables, ${counts.rules} rules, ${counts.probes} probes as ${report.summary.actingRoles.join(', ')}`,
  )
  for (const { object, verbs } of report.tables) {
    say(
      `${object.padEnd(20)} ${Object.entries(verbs)
        .map(([verb, verdict]) => `${verb} ${verdict}`)
        .join(', ')}`,
    )
  }
  for (const finding of report.findings) {
    if (finding.severity !== 'info')
      say(`${finding.severity}: ${finding.rule} on ${finding.object}: ${finding.message}`)
  }
  return evidenceOfReport({
    report,
    findings: report.findings,
    command: "partywall verify on the demo's database",
    files: ['migrations/0001_example_schema.sql', 'migrations/enable-rls-policies.sql'],
  })
}
