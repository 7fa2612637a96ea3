import { readFile } from 'node:fs/promises'
import { z } from 'zod'
import { parseOptions } from '../../src/config/parse-options.ts'
import { loadProjectConfig } from '../../src/config/project-config.ts'
import { ConfigurationError } from '../../src/errors.ts'
import { FORMATS } from '../../src/verify/formats/format-names.ts'

const text = z.string().min(1)

const further = text.transform((given, context) => {
  const [, name, file] = /^([a-z]+)=(.+)$/.exec(given) ?? []
  const format = FORMATS.find((each) => each === name)
  if (format !== undefined && file !== undefined) return { format, file }
  context.addIssue({ code: 'custom', message: `write FORMAT=FILE, with one of ${FORMATS.join(', ')}` })
  return z.NEVER
})

const schema = z.strictObject({
  databaseUrl: text.optional(),
  migrations: text.optional(),
  run: text.optional(),
  appRole: text.optional(),
  appUrl: text.optional(),
  schema: z.array(text).nonempty().optional(),
  tenantSchemas: z.array(text).nonempty().optional(),
  tenantColumn: z.array(text).nonempty().optional(),
  setting: text.optional(),
  sealSecretEnv: text.optional(),
  contextSql: text.optional(),
  static: z.boolean().optional(),
  attack: z.boolean().optional(),
  mutate: z.boolean().optional(),
  verbose: z.boolean().optional(),
  baseline: text.optional(),
  fix: text.optional(),
  timeout: z.number().positive().optional(),
  format: z.enum(FORMATS).default('pretty'),
  output: text.optional(),
  report: z.array(further).nonempty().optional(),
  failOn: z.enum(['low', 'medium', 'high', 'critical']).default('medium'),
})

/** The options of `partywall verify` from the command line and `--config`. */
export type VerifySettings = z.infer<typeof schema> & {
  /** Whether `schema` comes from a file of settings, and not from the command line. */
  readonly schemaFromFile?: boolean
}

const sources = ['databaseUrl', 'migrations', 'run'] as const

/**
 * Joins flags with the file of `--config`. Flags have priority.
 *
 * @throws {ConfigurationError} `PARTYWALL_CONFIGURATION` with all problems at once
 */
export async function readSettings(flags: unknown, environment: NodeJS.ProcessEnv): Promise<VerifySettings> {
  const { config, ...given } = z.looseObject({ config: text.optional() }).parse(flags)
  const fromFile = config === undefined ? await readProjectConfig() : await readConfig(config)
  // A source on the command line replaces every source in the file.
  if (sources.some((source) => given[source] !== undefined)) for (const source of sources) delete fromFile[source]
  const settings = parseOptions(schema, { ...fromFile, ...given }, 'partywall verify')
  if (sources.filter((source) => settings[source] !== undefined).length > 1) {
    throw new ConfigurationError('Name one of --database-url, --migrations and --run.')
  }
  if (settings.static === true && settings.attack === true) {
    throw new ConfigurationError('--static and --attack exclude each other.')
  }
  if (sources.every((source) => settings[source] === undefined)) {
    const databaseUrl = environment['DATABASE_URL']
    if (databaseUrl === undefined || databaseUrl === '') {
      throw new ConfigurationError(
        'Nothing to verify: give --database-url URL, --migrations DIR or --run "COMMAND", or set DATABASE_URL.',
      )
    }
    settings.databaseUrl = databaseUrl
  }
  return { ...settings, schemaFromFile: given['schema'] === undefined && settings.schema !== undefined }
}

/** The settings of `partywall.config.ts` in the working folder. Its `envFile` is read too, so DATABASE_URL may come from there. */
async function readProjectConfig(): Promise<Record<string, unknown>> {
  const { envFile: _envFile, level: _level, ...settings } = (await loadProjectConfig(process.cwd())) ?? {}
  return settings
}

async function readConfig(path: string): Promise<Record<string, unknown>> {
  const content = await readText('--config', path)
  try {
    return z.record(z.string(), z.unknown()).parse(JSON.parse(content))
  } catch (cause) {
    throw new ConfigurationError(`--config ${path} is no JSON object.`, { cause })
  }
}

/** Reads a file that a flag names. */
export async function readText(flag: string, path: string): Promise<string> {
  try {
    return await readFile(path, 'utf8')
  } catch (cause) {
    throw new ConfigurationError(`${flag} ${path} can't be read.`, { cause })
  }
}
