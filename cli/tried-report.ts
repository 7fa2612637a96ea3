import pg from 'pg'
import { Trial } from '../src/compare/trial.ts'
import { asComment, triedFixes } from '../src/compare/try-fixes.ts'
import type { VerifyReport } from '../src/verify/report-model.ts'
import { splitStatements } from '../src/verify/sources/split-statements.ts'

export interface TriedOptions {
  /** A superuser's URL of a copy that nobody else uses; or why there is none. */
  readonly copy: { readonly url: string } | { readonly missing: string }
  readonly schemas: readonly string[] | undefined
  readonly tenantColumns: readonly string[] | undefined
  readonly setting: string | undefined
  /** A file of fixes is written: all are tried, however long it takes. */
  readonly all: boolean
  readonly onProgress: (line: string) => void
}

/** Without `--fix` a report does not wait longer for its fixes. */
const BUDGET_MS = 10_000

/** The report with the fixes as they may be printed: what no trial showed to be harmless is a comment with the reason. */
export async function triedReport(report: VerifyReport, options: TriedOptions): Promise<VerifyReport> {
  const isStatement = ({ fix }: { readonly fix: string }) => splitStatements(fix).statements.length > 0
  if (!report.findings.some(isStatement)) return report
  if ('missing' in options.copy) {
    const { missing } = options.copy
    return {
      ...report,
      findings: report.findings.map((finding) =>
        isStatement(finding) ? { ...finding, fix: asComment(finding.fix, missing) } : finding,
      ),
    }
  }
  const client = new pg.Client({ connectionString: options.copy.url })
  await client.connect()
  try {
    const { schemas, tenantColumns, setting } = options
    const trial = await Trial.open(client, { appRole: report.summary.appRole, schemas, tenantColumns, setting })
    const findings = await triedFixes(trial, report.findings, {
      ...(options.all ? {} : { budgetMs: BUDGET_MS }),
      onProgress: (done, of) => options.onProgress(`trying fix ${done} of ${of}`),
    })
    await trial.close()
    return { ...report, findings }
  } finally {
    await client.end()
  }
}
