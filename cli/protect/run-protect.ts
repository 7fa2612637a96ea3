import { mkdir, readdir, readFile, rm, writeFile } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import { z } from 'zod'
import { parseOptions } from '../../src/config/parse-options.ts'
import { ConfigurationError } from '../../src/errors.ts'
import type { ProtectPlan } from '../../src/protect/change.ts'
import { consequencesOf } from '../../src/protect/consequences.ts'
import { MIGRATION_FORMATS } from '../../src/protect/render/format-names.ts'
import { renderMigration, type TargetFolder } from '../../src/protect/render/render.ts'
import { decisionsOf } from '../../src/protect/render/script.ts'
import { renderOneScript } from '../../src/protect/render/sql.ts'
import type { DiscoveryHints } from '../../src/tenancy/discovery/discover.ts'
import { databaseUrlFrom } from '../shared/database-url.ts'
import { withProjectConfig } from '../shared/project-settings.ts'
import { untilInterrupted } from '../shared/until-interrupted.ts'
import { planFor } from './protect-plan.ts'
import { protectSchemas } from './protect-schemas.ts'
import { staleFiles } from './stale-files.ts'
import { tryPlan } from './tried-plan.ts'

const text = z.string().min(1)

const schema = z.strictObject({
  databaseUrl: text.optional(),
  tables: z.array(text).nonempty().optional(),
  tenantColumn: z.array(text).nonempty().optional(),
  schema: z.array(text).nonempty().optional(),
  setting: text.optional(),
  appRole: text.optional(),
  tenantSchemas: z.array(text).nonempty().optional(),
  template: text.optional(),
  tenantTable: text.optional(),
  tenantMap: text.optional(),
  seal: z.boolean().default(false),
  indexes: z.boolean().default(false),
  out: text.optional(),
  format: z.enum(MIGRATION_FORMATS).default('sql'),
})

type ProtectSettings = z.infer<typeof schema>

/** Runs `partywall protect` with the flags of the command line. */
export async function runProtect(flags: unknown): Promise<void> {
  const settings = await readSettings(flags)
  const databaseUrl = databaseUrlFrom(settings.databaseUrl)
  if (settings.tenantSchemas !== undefined || settings.template !== undefined) {
    const { tenantSchemas: patterns, template, tenantTable, tenantMap } = settings
    return protectSchemas(databaseUrl, { patterns, template, tenantTable, tenantMap })
  }
  if (settings.out === undefined && settings.format !== 'sql')
    throw new ConfigurationError(`--format ${settings.format} writes files: name their folder with --out DIR.`)
  const plan = await untilInterrupted(undefined, async (signal) => {
    const planned = await planFor({ ...settings, databaseUrl }, signal)
    // With --seal the trial is skipped: the application then acts as tenant_user, which reaches nothing before the migration.
    const tried = settings.seal ? [] : await tryPlan(planned, databaseUrl, hintsOf(settings), signal)
    return { ...planned, notes: [...planned.notes, ...tried, ...consequencesOf(planned, settings.seal)] }
  })
  for (const note of plan.notes) console.error(note)
  if (plan.changes.length === 0) tellNothing(plan)
  else if (settings.out === undefined) process.stdout.write(renderOneScript(plan))
  else await write(plan, settings, settings.out)
  tellDecisions(plan)
}

/** Returns the flags. A flag that is missing gets its value from `partywall.config.ts`. */
async function readSettings(flags: unknown): Promise<ProtectSettings> {
  const configured = await withProjectConfig(flags, ['databaseUrl', 'appRole', 'tenantColumn', 'schema', 'setting'])
  return parseOptions(schema, configured, 'partywall protect')
}

function hintsOf({ appRole, schema, tenantColumn, setting }: ProtectSettings): DiscoveryHints {
  return { appRole, schemas: schema, tenantColumns: tenantColumn, setting }
}

function tellNothing(plan: ProtectPlan): void {
  const left = plan.decisions.length > 0
  console.error(
    `${left ? 'No change is left to write' : 'Nothing to do'}: the tables already have everything that partywall protect adds by itself.`,
  )
  if (left) console.log(decisionsOf(plan.decisions))
}

function tellDecisions({ decisions, changes }: ProtectPlan): void {
  if (decisions.length === 0) return
  const where = changes.length === 0 ? 'above' : 'TO DECIDE in the migration'
  const [noun, verb] = decisions.length === 1 ? ['decision', 'is'] : ['decisions', 'are']
  console.error(`${decisions.length} ${noun} ${verb} left to you: see ${where}.`)
}

async function write(plan: ProtectPlan, settings: ProtectSettings, out: string): Promise<void> {
  const folder = await look(out)
  const stale = await staleFiles(out, plan)
  const files = renderMigration(plan, settings.format, without(folder, stale), new Date())
  for (const file of files) {
    const path = join(out, file.path)
    await mkdir(dirname(path), { recursive: true })
    await writeFile(path, file.content)
    console.log(path)
  }
  const written = new Set(files.map((file) => file.path))
  for (const path of stale) if (!written.has(path)) await rm(join(out, path))
  if (stale.length > 0)
    console.error(`Replaced ${stale.length} files of an earlier run that were not applied: ${stale.join(', ')}`)
}

/** Returns the content of the folder as if the stale files had never been written. */
function without({ names, journal }: TargetFolder, stale: readonly string[]): TargetFolder {
  const gone = new Set(stale.map((path) => path.split('/')[0] ?? path))
  const tags = new Set(stale.map((path) => path.replace(/\.sql$/, '')))
  return {
    names: names.filter((name) => !gone.has(name) || name === 'down'),
    journal: journal === undefined || stale.length === 0 ? journal : withoutEntries(journal, tags),
  }
}

const journalSchema = z.looseObject({ entries: z.array(z.looseObject({ tag: z.string() })) })

function withoutEntries(journal: string, tags: ReadonlySet<string>): string {
  const parsed = journalSchema.safeParse(JSON.parse(journal))
  if (!parsed.success) return journal
  return JSON.stringify({ ...parsed.data, entries: parsed.data.entries.filter((entry) => !tags.has(entry.tag)) })
}

async function look(out: string): Promise<TargetFolder> {
  const names = await readdir(out).catch((error: unknown) => {
    if (hasCode(error, 'ENOENT')) return []
    throw new ConfigurationError(`--out ${out} is not a readable folder.`, { cause: error })
  })
  const journal = await readFile(join(out, 'meta', '_journal.json'), 'utf8').catch((error: unknown) => {
    if (hasCode(error, 'ENOENT') || hasCode(error, 'ENOTDIR')) return undefined
    throw error
  })
  return { names, journal }
}

function hasCode(error: unknown, code: string): boolean {
  return error instanceof Error && 'code' in error && error.code === code
}
