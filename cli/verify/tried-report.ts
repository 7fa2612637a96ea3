import { Trial } from '../../src/compare/trial.ts'
import { asComment, triedFixes } from '../../src/compare/try-fixes.ts'
import { ConfigurationError } from '../../src/errors.ts'
import type { VerifyReport } from '../../src/verify/report/report-model.ts'
import { splitStatements } from '../../src/verify/sources/split-statements.ts'
import { connectToCopy, type OpenedCopy } from '../shared/schema-copy.ts'

interface TriedOptions {
  /** A superuser's URL of a copy that no one else uses, or the reason why there is none. */
  readonly copy: () => Promise<OpenedCopy>
  /**
   * The role that the user named, or that was created for the run. Undefined if discovery found the role: the trial then runs
   * discovery too. If the discovered role were passed on, discovery would not look for the roles that a gateway becomes, and the trial might reach no
   * row.
   */
  readonly appRole: string | undefined
  readonly schemas: readonly string[] | undefined
  readonly tenantColumns: readonly string[] | undefined
  readonly setting: string | undefined
  /** True with `--fix`: all fixes are tried, however long it takes. */
  readonly all: boolean
  readonly onProgress: (line: string) => void
}

/** Without `--fix` the trial of fixes ends after this time. */
const BUDGET_MS = 5_000

/** Returns the report with its fixes tried. A fix that no trial showed to be harmless becomes a comment with the reason. */
export async function triedReport(report: VerifyReport, options: TriedOptions): Promise<VerifyReport> {
  if (!report.findings.some(isStatement)) return report
  const copy = await options.copy()
  try {
    if ('missing' in copy) return withoutTrial(report, copy.missing)
    return await withTrial(report, copy.url, options)
  } finally {
    await copy.close()
  }
}

function withoutTrial(report: VerifyReport, reason: string): VerifyReport {
  const findings = report.findings.map((finding) =>
    isStatement(finding) ? { ...finding, fix: asComment(finding.fix, reason) } : finding,
  )
  return { ...report, findings }
}

async function withTrial(report: VerifyReport, url: string, options: TriedOptions): Promise<VerifyReport> {
  const client = await connectToCopy(url)
  try {
    const { appRole, schemas, tenantColumns, setting } = options
    const trial = await Trial.open(client, { appRole, schemas, tenantColumns, setting }).catch(unlessNothingShared)
    if (trial === undefined)
      return withoutTrial(report, 'a trial needs a table that several tenants share, and there is none')
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

/** Returns undefined if the database has no tenant column, as when each tenant has a schema of its own. Throws any other error again. */
function unlessNothingShared(error: unknown): undefined {
  if (error instanceof ConfigurationError && error.details['missing'] === 'tenant-column') return undefined
  throw error
}

function isStatement({ fix }: { readonly fix: string }): boolean {
  return splitStatements(fix).statements.length > 0
}
