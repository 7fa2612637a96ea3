import { buffer } from 'node:stream/consumers'
import { ConfigurationError } from '../../src/errors.ts'
import { applyBaseline, parseBaseline } from '../../src/verify/finding/baseline.ts'
import type { ReportOrigin } from '../../src/verify/formats/document.ts'
import { makeDocument } from '../../src/verify/formats/make-document.ts'
import { mutateSchema } from '../../src/verify/mutate/mutate-schema.ts'
import type { VerifyOptions } from '../../src/verify/options.ts'
import type { VerifyReport } from '../../src/verify/report/report-model.ts'
import { loadMigrations } from '../../src/verify/sources/load-migrations.ts'
import type { PreparedSource } from '../../src/verify/sources/prepared-source.ts'
import { runCommand } from '../../src/verify/sources/run-command.ts'
import { verifyDatabase } from '../../src/verify/verify-database.ts'
import { checkUrl } from '../shared/database-url.ts'
import { environment } from '../shared/environment.ts'
import { packageIdentity } from '../shared/package-identity.ts'
import { packageVersion } from '../shared/package-version.ts'
import { type OpenedCopy, openCopy } from '../shared/schema-copy.ts'
import { untilInterrupted } from '../shared/until-interrupted.ts'
import { existingSchemas } from './existing-schemas.ts'
import { runMaking } from './run-making.ts'
import { triedReport } from './tried-report.ts'
import { verifyChecklist } from './verify-checklist.ts'
import { readSettings, readText, type VerifySettings } from './verify-settings.ts'
import { writeReports } from './write-reports.ts'

/** Runs `partywall verify` with the flags of the command line and returns its exit code. */
export async function runVerify(flags: unknown): Promise<0 | 1 | 2> {
  const settings = await readSettings(flags, process.env)
  const baseline =
    settings.baseline === undefined
      ? []
      : parseBaseline(await readText('--baseline', settings.baseline), settings.baseline)
  const started = Date.now()
  const timeoutMs = settings.timeout === undefined ? undefined : settings.timeout * 1000
  return untilInterrupted(timeoutMs, async (signal) => {
    const source = await prepare(settings, signal)
    try {
      const { schemas, notes } = await existingSchemas(settings, source, signal)
      const options = { ...(await optionsOf(settings, source, signal)), schemas }
      const { report: found, assumed, setUp, appRole } = await verifyAs(options, source)
      const report = await triedReport(found, {
        copy: () => copyOf(settings, source, signal),
        appRole,
        schemas,
        tenantColumns: settings.tenantColumn,
        setting: settings.setting,
        all: settings.fix !== undefined,
        onProgress: liveLine,
      })
      const mutants =
        settings.mutate === true
          ? await mutateSchema({ ...options, appRole: report.summary.appRole, report, onProgress: progress })
          : undefined
      const baselined = applyBaseline(report.findings, baseline)
      const document = makeDocument({
        ...baselined,
        report,
        toolVersion: packageVersion(),
        tool: packageIdentity(),
        target: targetOf(settings),
        failOn: settings.failOn,
        made: await runMaking(settings, source, started),
        origin: originOf(settings),
        notes: [...source.notes, ...notes, ...assumed],
        gaps: source.gaps,
        ...(setUp === undefined ? {} : { setUp }),
        mutants,
        verbose: settings.verbose,
        locate: (object) => source.locate(object),
        checklist: verifyChecklist({
          report,
          findings: baselined.findings,
          command: commandOf(settings),
          files: source.files.map(({ name }) => name),
          failOn: settings.failOn,
          assumed: assumed[0],
        }),
      })
      await writeReports(settings, document)
      return document.summary.exitCode
    } finally {
      await source.close()
    }
  })
}

/** If no role of the application was found, creates one for this run and says so, so that a first run gives a result. */
async function verifyAs(
  options: VerifyOptions,
  source: PreparedSource,
): Promise<{
  readonly report: VerifyReport
  readonly assumed: readonly string[]
  readonly setUp?: readonly string[]
  /** The role that the user named, or that was created for the run. Undefined if verify found the role itself. */
  readonly appRole: string | undefined
}> {
  try {
    return { report: await verifyDatabase(options), assumed: [], appRole: options.appRole }
  } catch (error) {
    const missing = error instanceof ConfigurationError && error.details['missing'] === 'app-role'
    if (!missing || source.makeAppRole === undefined || options.appRole !== undefined) throw error
    const { name: appRole, setUp } = await source.makeAppRole()
    return {
      report: await verifyDatabase({ ...options, appRole }),
      setUp,
      appRole,
      assumed: [
        `the source creates no role for the application: ${appRole} was made for this run, with SELECT, INSERT, UPDATE, DELETE on every table. If the application logs in as the owner of its tables, no policy applies to it`,
      ],
    }
  }
}

async function prepare(settings: VerifySettings, signal: AbortSignal): Promise<PreparedSource> {
  const options = { onProgress: progress, signal }
  if (settings.migrations !== undefined) {
    return loadMigrations({ ...options, path: settings.migrations, standardInput: () => buffer(process.stdin) })
  }
  if (settings.run !== undefined) return runCommand({ ...options, command: settings.run, environment: process.env })
  const url = settings.databaseUrl ?? ''
  checkUrl(url === process.env['DATABASE_URL'] ? 'DATABASE_URL' : '--database-url', url)
  return {
    url,
    sealSecret: undefined,
    notes: [],
    gaps: [],
    files: [],
    ownFiles: [],
    rolesAdded: [],
    locate: () => undefined,
    makeAppRole: undefined,
    close: async () => {},
  }
}

async function optionsOf(
  settings: VerifySettings,
  source: PreparedSource,
  signal: AbortSignal,
): Promise<VerifyOptions & { readonly databaseUrl: string }> {
  if (settings.appUrl !== undefined) checkUrl('--app-url', settings.appUrl)
  const embedded = settings.databaseUrl === undefined
  return {
    databaseUrl: source.url,
    appRole: settings.appRole,
    appUrl: settings.appUrl,
    ownServer: embedded,
    tenantSchemas: settings.tenantSchemas,
    tenantColumns: settings.tenantColumn,
    setting: settings.setting,
    sealSecret: source.sealSecret ?? sealSecretOf(settings),
    contextSql: settings.contextSql === undefined ? undefined : await readText('--context-sql', settings.contextSql),
    mode: settings.static === true ? 'static' : settings.attack === true || embedded ? 'attack' : 'auto',
    ...(settings.timeout === undefined ? {} : { statementTimeoutMs: Math.ceil(Math.min(10, settings.timeout) * 1000) }),
    onProgress: (step) => liveLine(`attacking: ${step}`),
    signal,
  }
}

function sealSecretOf({ sealSecretEnv, databaseUrl }: VerifySettings): string | undefined {
  if (databaseUrl === undefined) return undefined
  const secret = environment(sealSecretEnv ?? 'PARTYWALL_SEAL_SECRET')
  if (secret !== undefined) return secret
  if (sealSecretEnv === undefined) return undefined
  throw new ConfigurationError(`--seal-secret-env: the environment variable ${sealSecretEnv} is not set.`)
}

function originOf(settings: VerifySettings): ReportOrigin {
  if (settings.migrations !== undefined) return 'files'
  return settings.run === undefined ? 'database' : 'command'
}

/** The database or files that are verified, without user and password. */
function targetOf(settings: VerifySettings): string {
  if (settings.migrations !== undefined) return settings.migrations
  if (settings.run !== undefined) return settings.run
  const url = new URL(settings.databaseUrl ?? '')
  return `${decodeURIComponent(url.pathname.slice(1)) || 'database'} on ${url.host || 'this host'}`
}

function commandOf(settings: VerifySettings): string {
  if (settings.migrations !== undefined) return `partywall verify --migrations ${settings.migrations}`
  if (settings.run !== undefined) return `partywall verify --run "${settings.run}"`
  return 'partywall verify --database-url …'
}

/** Returns a database in which fixes are tried. Nobody else uses this database. */
async function copyOf(settings: VerifySettings, source: PreparedSource, signal: AbortSignal): Promise<OpenedCopy> {
  return settings.databaseUrl === undefined
    ? { url: source.url, close: async () => {} }
    : openCopy(settings.databaseUrl, signal)
}

/** Shows the progress in one line, which the report replaces. */
function liveLine(text: string): void {
  if (process.stderr.isTTY) process.stderr.write(`\r\u001b[2K${text}`)
}

function progress(line: string): void {
  console.error(line)
}
