import { buffer } from 'node:stream/consumers'
import { z } from 'zod'
import { type Comparison, compareSchemas } from '../../src/compare/compare-schemas.ts'
import { isHarmless, tell } from '../../src/compare/differences.ts'
import { parseOptions } from '../../src/config/parse-options.ts'
import { loadMigrations } from '../../src/verify/sources/load-migrations.ts'
import { withProjectConfig } from '../shared/project-settings.ts'
import { untilInterrupted } from '../shared/until-interrupted.ts'

const text = z.string().min(1)
const schema = z.strictObject({
  before: text,
  after: text,
  appRole: text.optional(),
  schema: z.array(text).nonempty().optional(),
  tenantColumn: z.array(text).nonempty().optional(),
  setting: text.optional(),
  json: z.boolean().default(false),
})

/** Runs `partywall compare` with the flags of the command line and returns its exit code. */
export async function runCompare(flags: unknown, print: (line: string) => void): Promise<0 | 1> {
  const configured = await withProjectConfig(flags, ['appRole', 'schema', 'tenantColumn', 'setting'])
  const settings = parseOptions(schema, configured, 'partywall compare')
  const comparison = await untilInterrupted(undefined, (signal) => compared(settings, signal))
  if (settings.json) print(JSON.stringify(asJson(comparison), undefined, 2))
  else for (const line of asLines(comparison)) print(line)
  return isHarmless(comparison.differences) && comparison.unknown.size === 0 ? 0 : 1
}

async function compared(settings: z.infer<typeof schema>, signal: AbortSignal): Promise<Comparison> {
  const onProgress = (line: string) => console.error(line)
  const load = (path: string) =>
    loadMigrations({ path, signal, onProgress, standardInput: () => buffer(process.stdin) })
  const before = await load(settings.before)
  try {
    const after = await load(settings.after)
    try {
      return await compareSchemas(before.url, after.url, {
        appRole: settings.appRole,
        schemas: settings.schema,
        tenantColumns: settings.tenantColumn,
        setting: settings.setting,
      })
    } finally {
      await after.close()
    }
  } finally {
    await before.close()
  }
}

function asJson({ differences, unknown }: Comparison) {
  return {
    differences: differences.map(({ kind, access, before, after }) => ({ kind, ...access, before, after })),
    unknown: Object.fromEntries(unknown),
  }
}

function asLines({ differences, unknown }: Comparison): readonly string[] {
  const ordered = (['wider', 'narrower', 'error', 'closed'] as const).flatMap((kind) =>
    tell(differences.filter((difference) => difference.kind === kind)),
  )
  const blind = [...unknown].map(([name, reason]) => `not known: ${name}: ${reason}`)
  if (!isHarmless(differences)) return [...ordered, ...blind, 'The change gives or removes access: see above.']
  const verdict =
    unknown.size === 0
      ? 'Nobody can see or do more than before, and nobody can do less inside their own tenant.'
      : 'No other table gives or removes access. Of the tables above this is not known.'
  return [...ordered, ...blind, verdict]
}
