import { z } from 'zod'
import { diffDatabase, diffSchemas } from '../../src/compare/changes/diff-schemas.ts'
import type { JudgedChange, Judgement } from '../../src/compare/changes/judge-changes.ts'
import { parseOptions } from '../../src/config/parse-options.ts'
import { ConfigurationError } from '../../src/errors.ts'
import { escapeMarkdown } from '../../src/verify/formats/escape-text.ts'
import { loadMigrations } from '../../src/verify/sources/load-migrations.ts'
import type { PreparedSource } from '../../src/verify/sources/prepared-source.ts'
import { checkUrl } from '../shared/database-url.ts'
import { withProjectConfig } from '../shared/project-settings.ts'
import { paint } from '../shared/terminal.ts'
import { untilInterrupted } from '../shared/until-interrupted.ts'
import { openSide } from './diff-side.ts'

const text = z.string().min(1)
const schema = z.strictObject({
  base: text.optional(),
  head: text.optional(),
  migrations: text.optional(),
  databaseUrl: text.optional(),
  appRole: text.optional(),
  schema: z.array(text).nonempty().optional(),
  tenantColumn: z.array(text).nonempty().optional(),
  setting: text.optional(),
  failOn: z.enum(['weaker', 'review']).default('weaker'),
  format: z.enum(['pretty', 'markdown', 'json']).default('pretty'),
})
type Settings = z.infer<typeof schema>

/**
 * Runs `partywall diff` with the flags of the command line and returns its exit code.
 *
 * @throws {ConfigurationError} `PARTYWALL_CONFIGURATION` for a ref or path that does not exist, and SQL that does not run
 */
export async function runDiff(flags: unknown, print: (line: string) => void): Promise<0 | 1> {
  const configured = await withProjectConfig(flags, ['appRole', 'schema', 'tenantColumn', 'setting'])
  const settings = parseOptions(schema, configured, 'partywall diff')
  const changes = await untilInterrupted(undefined, (signal) => judged(settings, signal))
  const lines = { pretty, markdown, json: (all: readonly JudgedChange[]) => [JSON.stringify(all, undefined, 2)] }
  for (const line of lines[settings.format](changes)) print(line)
  const failsAtReview = settings.failOn === 'review' || settings.databaseUrl !== undefined
  const failing: readonly Judgement[] = failsAtReview ? ['weaker', 'review'] : ['weaker']
  return changes.some(({ judgement }) => failing.includes(judgement)) ? 1 : 0
}

async function judged(settings: Settings, signal: AbortSignal): Promise<readonly JudgedChange[]> {
  const { base, head, migrations, databaseUrl } = settings
  if ((base === undefined) === (databaseUrl === undefined))
    throw new ConfigurationError('Give BASE, to compare two schemas, or --database-url, to compare a database.')
  if (databaseUrl !== undefined) {
    if (migrations === undefined) throw new ConfigurationError('--database-url needs --migrations PATH.')
    checkUrl('--database-url', databaseUrl)
  }
  const sources: { close(): Promise<void> }[] = []
  const load = async (ref: string | undefined): Promise<PreparedSource> => {
    const side = await openSide(ref, migrations)
    sources.push(side)
    const source = await loadMigrations({ path: side.path, signal, onProgress: (line) => console.error(line) })
    sources.push(source)
    return source
  }
  try {
    const before = await load(base)
    if (databaseUrl !== undefined) return await diffDatabase(before, databaseUrl, signal)
    const after = await load(head)
    return await diffWithRole(before, after, settings, signal)
  } finally {
    for (const source of sources.reverse()) await source.close()
  }
}

/** If the files create no role for the application, creates a role with the usual grants on both sides. */
async function diffWithRole(before: PreparedSource, after: PreparedSource, settings: Settings, signal: AbortSignal) {
  const { appRole, schema: schemas, tenantColumn: tenantColumns, setting } = settings
  const hints = { schemas, tenantColumns, setting, signal }
  try {
    return await diffSchemas(before, after, { ...hints, appRole })
  } catch (error) {
    const isMissing = error instanceof ConfigurationError && error.details['missing'] === 'app-role'
    if (!isMissing || appRole !== undefined || before.makeAppRole === undefined || after.makeAppRole === undefined)
      throw error
    const made = [await before.makeAppRole(), await after.makeAppRole()]
    console.error(`the files make no role of the application: ${made[0]?.name} was made for this run`)
    return diffSchemas(before, after, { ...hints, appRole: made[0]?.name })
  }
}

const STYLES = { weaker: 'red', review: 'yellow', safer: 'green', equal: 'gray' } as const

function pretty(changes: readonly JudgedChange[]): readonly string[] {
  const lines = changes.flatMap(({ object, changes: parts, judgement, reasons }) => [
    `${paint(STYLES[judgement], judgement.toUpperCase())} ${object}`,
    ...parts.map((part) => `    ${part}`),
    ...reasons.map((reason) => `  - ${reason}`),
    '',
  ])
  return [...lines, summary(changes)]
}

/** The report as Markdown, for a comment on a pull request. */
function markdown(changes: readonly JudgedChange[]): readonly string[] {
  const rows = changes.map(({ object, changes: parts, judgement, reasons }) => {
    const cells = [
      `**${judgement}**`,
      escapeMarkdown(object),
      ...[parts, reasons].map((list) => list.map(escapeMarkdown).join('<br>')),
    ]
    return `| ${cells.join(' | ')} |`
  })
  const table = rows.length === 0 ? [] : ['| | object | what changed | why |', '|---|---|---|---|', ...rows, '']
  return ['### Tenant isolation: what this change does', '', ...table, summary(changes)]
}

function summary(changes: readonly JudgedChange[]): string {
  if (changes.length === 0) return 'Nothing changed.'
  const count = (wanted: Judgement) => changes.filter(({ judgement }) => judgement === wanted).length
  return `${count('weaker')} weaker, ${count('review')} to review, ${count('safer')} safer, ${count('equal')} equal.`
}
