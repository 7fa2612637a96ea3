import { AssertionError } from 'node:assert'
import type { Severity } from './finding/finding.ts'
import type { VerifyOptions } from './options.ts'
import { exitCodeOf, unreliableTables } from './report/report-counts.ts'
import type { VerifyReport } from './report/report-model.ts'
import { verifyDatabase } from './verify-database.ts'

/**
 * Fails a test, in any runner, when the database does not keep its tenants apart.
 *
 * @throws {AssertionError} with each finding, its evidence and the SQL that fixes it
 * @example await assertIsolated(process.env.DATABASE_URL, { appRole: 'app' })
 */
export async function assertIsolated(
  databaseUrl: string,
  options: Omit<VerifyOptions, 'databaseUrl'> & { readonly failOn?: Exclude<Severity, 'info'> } = {},
): Promise<VerifyReport> {
  const { failOn = 'medium', ...rest } = options
  const report = await verifyDatabase({ ...rest, databaseUrl })
  if (exitCodeOf(report, failOn) === 0) return report
  const findings = report.findings.map(
    (finding) => `${finding.severity} ${finding.rule} ${finding.object}: ${finding.message}\n  fix: ${finding.fix}`,
  )
  const errors = report.summary.internalErrors.map((error) => `internal error in ${error.where}: ${error.message}`)
  const lines = [
    ...findings,
    ...errors,
    ...unreliableTables(report.tables).map((table) => `unreliable ${table}: a control failed`),
  ]
  if (!report.summary.reachable) lines.push(`${report.summary.appRole} can reach no tenant table`)
  throw new AssertionError({
    message: `The database does not keep its tenants apart:\n${lines.join('\n')}`,
    actual: report.findings,
    expected: [],
    operator: 'assertIsolated',
  })
}
