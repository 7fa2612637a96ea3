import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import type pg from 'pg'
import { z } from 'zod'
import type { Queryable } from '../../src/catalog/model.ts'
import { packageRoot } from '../../src/config/package-root.ts'
import { parseOptions } from '../../src/config/parse-options.ts'
import { PROJECT_CONFIG_NAMES } from '../../src/config/project-config.ts'
import { ConfigurationError } from '../../src/errors.ts'
import { applyPlan } from '../../src/init/apply/apply-plan.ts'
import { RECORD_PATH, readRecord } from '../../src/init/apply/record.ts'
import { refuseTrackedSecrets } from '../../src/init/apply/tracked-secrets.ts'
import { planUndo, type Undone, undoInit } from '../../src/init/apply/undo.ts'
import { findDatabaseUrl } from '../../src/init/detection/database-url.ts'
import { runProgram } from '../../src/init/detection/package-manager.ts'
import { detectProject, type Project } from '../../src/init/detection/project.ts'
import { type InitPlan, makePlan, type ProjectOnDatabase } from '../../src/init/plan/make-plan.ts'
import { productionSigns } from '../../src/init/production.ts'
import { openProjectFiles, type ProjectFiles } from '../../src/init/project-files.ts'
import { byHandLines, describePlan, nextSteps, type ReportLine, toldKind } from '../../src/init/report/describe-plan.ts'
import { connect } from '../../src/verify/connect.ts'
import { planOn } from '../protect/protect-plan.ts'
import { checkUrl } from '../shared/database-url.ts'
import { paint } from '../shared/terminal.ts'
import { askYes } from './ask-yes.ts'

const SKILL = join(packageRoot(), 'skills', 'multi-tenant-security', 'SKILL.md')

const schema = z.strictObject({
  databaseUrl: z.string().min(1).optional(),
  tenantColumn: z.array(z.string().min(1)).nonempty().optional(),
  yes: z.boolean().default(false),
  yesProduction: z.boolean().default(false),
  dryRun: z.boolean().default(false),
  undo: z.boolean().default(false),
  json: z.boolean().default(false),
  agents: z.boolean().default(false),
})

type InitSettings = z.infer<typeof schema>

/** Runs `partywall init` in the working folder and returns its exit code. */
export async function runInit(flags: unknown): Promise<0 | 1> {
  const settings = parseOptions(schema, flags, 'partywall init')
  if (settings.json && !settings.yes && !settings.dryRun && !settings.undo)
    throw new ConfigurationError('--json asks no question: give --yes, --dry-run or --undo with it.')
  const root = process.cwd()
  const files = openProjectFiles(root)
  if (settings.undo) return undo(root, files, settings)
  const done = await alreadyDone(root, files)
  if (done !== undefined)
    return say(settings, { status: 'nothing-to-do', reason: done }, [{ text: `Nothing to do: ${done}.` }])
  refuseTrackedSecrets(root)
  const detected = detectProject(files, process.env)
  const databaseUrl = urlFor(settings, files)
  const { variable, parts, source } = detected.database ?? { variable: undefined, parts: undefined, source: '' }
  const given = settings.databaseUrl !== undefined
  const project: ProjectOnDatabase = {
    ...detected,
    database: { url: databaseUrl, variable, parts, source: given ? '--database-url' : source },
  }
  return withClient(databaseUrl, project.database.source, async (client) => {
    const plan = await makePlan({
      files,
      project,
      client,
      planProtection: planOn,
      tenantColumn: settings.tenantColumn,
      now: new Date(),
      environment: process.env,
      skill: settings.agents ? await readFile(SKILL, 'utf8') : undefined,
    })
    const planned = jsonOf(project, plan, files)
    // With --yes nothing is asked, so the list of manual steps is printed only after the work.
    const asks = settings.dryRun || !settings.yes
    if (!settings.json) print([...describePlan(project, plan, files), ...(asks ? byHandLines(plan.byHand) : [])])
    if (settings.dryRun)
      return say(settings, { status: 'planned', ...planned }, [{ text: 'Nothing was done: --dry-run.' }])
    if (!settings.yes && !(await askYes('Do it? [y/N] ', process))) {
      console.log('Nothing was done.')
      return 1
    }
    await applyPlan(plan, { root, files, databaseUrl, client, onProgress: (line) => console.error(line) })
    return say(settings, { status: 'done', ...planned }, [
      ...byHandLines(plan.byHand),
      ...nextSteps(project, plan, (command) => runProgram(project.packageManager, command)),
      { text: 'partywall init --undo takes it back, as long as the migration was not run.', style: 'quiet' },
    ])
  })
}

async function alreadyDone(root: string, files: ProjectFiles): Promise<string | undefined> {
  if ((await readRecord(root)) !== undefined)
    return `partywall init ran here already (${RECORD_PATH}). --undo takes it back, as long as the migration was not run`
  const config = PROJECT_CONFIG_NAMES.find((name) => files.read(name) !== undefined)
  return config === undefined ? undefined : `${config} exists, so this application is set up already`
}

function urlFor(settings: InitSettings, files: ProjectFiles): string {
  const url = settings.databaseUrl ?? findDatabaseUrl(files, process.env)?.url
  if (url === undefined)
    throw new ConfigurationError(
      'No database was found: set DATABASE_URL, write it into .env, or give --database-url URL. It must be the login that owns your tables.',
    )
  checkUrl('--database-url', url)
  const signs = productionSigns(url, process.env)
  if (signs.length > 0 && !settings.yesProduction && !settings.dryRun)
    throw new ConfigurationError(
      `This looks like production: ${signs.join('; ')}. partywall init makes logins there. Use a database of development, or add --yes-production. Nothing was changed.`,
      { details: { signs } },
    )
  return url
}

function sourceOf(settings: InitSettings, files: ProjectFiles): string {
  return settings.databaseUrl === undefined ? (findDatabaseUrl(files, process.env)?.source ?? '') : '--database-url'
}

async function undo(root: string, files: ProjectFiles, settings: InitSettings): Promise<0 | 1> {
  const record = await readRecord(root)
  if (record === undefined)
    throw new ConfigurationError(`There is nothing to take back: ${RECORD_PATH} does not exist here.`)
  const databaseUrl = urlFor(settings, files)
  const inDatabase = <T>(work: (client: Queryable) => Promise<T>) =>
    withClient(databaseUrl, sourceOf(settings, files), work)
  if (settings.dryRun) {
    const planned = await inDatabase((client) => planUndo(root, record, client))
    return say(settings, { status: 'undo-planned', ...planned, refusal: planned.refusal ?? null }, [
      ...undoLines(planned, ['remove', 'restore', 'keep', 'drop']),
      ...(planned.refusal === undefined ? [] : [{ text: `--undo would refuse now: ${planned.refusal}` }]),
      { text: 'Nothing was done: --dry-run.' },
    ])
  }
  if (!settings.yes && !settings.json) {
    print([
      {
        text: `Takes back: ${[...record.created, ...record.edited, ...record.appended].map(({ path }) => path).join(', ')}; logins ${record.database.roles.join(', ')}`,
      },
    ])
    if (!(await askYes('Do it? [y/N] ', process))) return 1
  }
  const undone = await inDatabase((client) => undoInit(root, record, client))
  return say(settings, { status: 'undone', ...undone }, [
    ...undoLines(undone, ['removed', 'restored', 'kept', 'dropped']),
    {
      text: 'The roles tenant_user, tenant_admin, and those whose names begin with partywall_, stay: other databases of the server may use them.',
    },
  ])
}

/** @param verbs for files that are removed, restored and kept, and for logins that are dropped */
function undoLines(
  { removed, restored, kept, roles, droppedSchema }: Undone,
  verbs: readonly [string, string, string, string],
): readonly ReportLine[] {
  const [remove, restore, keep, drop] = verbs.map((verb) => verb.padEnd(8))
  return [
    ...removed.map((path) => ({ text: `${remove} ${path}` })),
    ...restored.map((path) => ({ text: `${restore} ${path}` })),
    ...kept.map((path) => ({ text: `${keep} ${path}: it was changed since; remove what you no longer need` })),
    { text: `${drop} the logins ${roles.join(', ')}${droppedSchema ? ' and the schema partywall' : ''}` },
  ]
}

async function withClient<T>(databaseUrl: string, source: string, work: (client: Queryable) => Promise<T>): Promise<T> {
  const client: pg.Client = await connect(databaseUrl, undefined).catch((cause: unknown) => {
    if (!(cause instanceof Error)) throw cause
    const { hostname, port } = new URL(databaseUrl)
    throw new ConfigurationError(
      `${cause.message} It is ${hostname}:${port === '' ? '5432' : port}, from ${source}. Nothing was changed.`,
      { cause },
    )
  })
  try {
    return await work({ query: (text, values) => client.query(text, values === undefined ? undefined : [...values]) })
  } finally {
    await client.end().catch(() => {}) // all answers were read, so an error while closing does not matter
  }
}

function jsonOf(project: Project, plan: InitPlan, files: ProjectFiles): object {
  const { framework, orm, migrations, packageManager, testRunner } = project
  return {
    found: { framework: framework ?? null, orm, migrations, packageManager, testRunner },
    database: plan.database,
    tenants: plan.facts,
    logins: plan.logins,
    entryTables: plan.entryTables,
    files: plan.files.map((file) => ({ kind: toldKind(file, files), path: file.path, why: file.why })),
    byHand: plan.byHand,
    decisions: plan.decisions,
  }
}

function say(settings: InitSettings, result: object, lines: readonly ReportLine[]): 0 {
  if (settings.json) console.log(JSON.stringify(result, null, 2))
  else print(lines)
  return 0
}

const STYLES = { heading: 'bold', added: 'green', removed: 'red', quiet: 'dim' } as const

function print(lines: readonly ReportLine[]): void {
  for (const { text, style } of lines) console.log(style === undefined ? text : paint(STYLES[style], text))
}
