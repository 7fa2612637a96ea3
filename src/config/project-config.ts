import { existsSync, readFileSync } from 'node:fs'
import { rm, writeFile } from 'node:fs/promises'
import { createRequire } from 'node:module'
import { dirname, extname, join } from 'node:path'
import { pathToFileURL } from 'node:url'
import { z } from 'zod'
import { ConfigurationError } from '../errors.ts'
import { parseOptions } from './parse-options.ts'

/** Settings of a project for the commands of partywall. The command line has priority. */
export interface ProjectConfig {
  /** A file with environment variables, read before the command runs. Variables that are set already keep their value. */
  readonly envFile?: string | undefined
  /** URL of the migration role. Default: the environment variable DATABASE_URL. */
  readonly databaseUrl?: string | undefined
  /** The role that the application logs in as. */
  readonly appRole?: string | undefined
  /** Columns that name the tenant. Default: the columns that partywall finds. */
  readonly tenantColumn?: readonly string[] | undefined
  /** Schemas to look at. Default: the schemas that partywall finds. */
  readonly schema?: readonly string[] | undefined
  /** The setting that policies read. Default: the setting that partywall finds. */
  readonly setting?: string | undefined
  /** The database role of the application's statements, for `explain` and `plan`. Leave it out if users have different levels. */
  readonly level?: 'tenant_user' | 'tenant_admin' | undefined
  /** Environment variable that holds the root secret of the seal. Default `PARTYWALL_SEAL_SECRET`. */
  readonly sealSecretEnv?: string | undefined
  /** File with the findings of `partywall verify` that are accepted. */
  readonly baseline?: string | undefined
  /** The lowest severity of a finding that makes `partywall verify` exit with 1. Default `medium`. */
  readonly failOn?: 'low' | 'medium' | 'high' | 'critical' | undefined
}

/** The file names of a project's configuration, in the order in which they are looked for. */
export const PROJECT_CONFIG_NAMES = [
  'partywall.config.ts',
  'partywall.config.mts',
  'partywall.config.js',
  'partywall.config.mjs',
] as const

const text = z.string().min(1)
const schema = z.strictObject({
  envFile: text.optional(),
  databaseUrl: text.optional(),
  appRole: text.optional(),
  tenantColumn: z.array(text).min(1).optional(),
  schema: z.array(text).min(1).optional(),
  setting: text.optional(),
  level: z.enum(['tenant_user', 'tenant_admin']).optional(),
  sealSecretEnv: text.optional(),
  baseline: text.optional(),
  failOn: z.enum(['low', 'medium', 'high', 'critical']).optional(),
})

/** Returns its argument. `partywall.config.ts` calls it, so that the type of the configuration is checked. */
export function defineConfig(config: ProjectConfig): ProjectConfig {
  return config
}

/**
 * Reads `partywall.config.*` of a folder, and the environment variables of its `envFile`. Undefined if the folder has no such file.
 *
 * @throws {ConfigurationError} `PARTYWALL_CONFIGURATION` if the file can't be loaded, or has an unknown setting
 */
export async function loadProjectConfig(folder: string): Promise<ProjectConfig | undefined> {
  const name = PROJECT_CONFIG_NAMES.find((each) => existsSync(join(folder, each)))
  if (name === undefined) return undefined
  const path = join(folder, name)
  const exported = await load(path).catch((cause: unknown) => {
    throw new ConfigurationError(`${name} can't be loaded: ${cause instanceof Error ? cause.message : String(cause)}`, {
      cause,
    })
  })
  const config = parseOptions(schema, exported, name)
  const envFile = config.envFile === undefined ? undefined : join(folder, config.envFile)
  if (envFile !== undefined && existsSync(envFile)) process.loadEnvFile(envFile)
  return config
}

async function load(path: string): Promise<unknown> {
  if (!/^\.m?ts$/.test(extname(path))) return defaultOf(await import(pathToFileURL(path).href))
  // Node.js before 22.18 can't load TypeScript, so the project's own compiler removes the types, in every release. Without the compiler only
  // a file that has no types loads.
  const plain = `${path.slice(0, -extname(path).length)}.${process.pid}.mjs`
  await writeFile(plain, withoutTypes(path))
  try {
    return defaultOf(await import(pathToFileURL(plain).href))
  } finally {
    await rm(plain, { force: true })
  }
}

function withoutTypes(path: string): string {
  const source = readFileSync(path, 'utf8')
  try {
    const compiler: unknown = createRequire(join(dirname(path), 'package.json'))('typescript')
    const compiled: unknown = isCompiler(compiler)
      ? compiler.transpileModule(source, { compilerOptions: { module: 99, target: 99 } }).outputText
      : source
    return typeof compiled === 'string' ? compiled : source
  } catch {
    return source // if it contains types, the import fails with a SyntaxError
  }
}

/** TypeScript's compiler. In its options 99 means ESNext, for `module` and for `target`. */
interface Compiler {
  transpileModule(source: string, options: object): { readonly outputText?: unknown }
}

function isCompiler(module: unknown): module is Compiler {
  return module !== null && typeof module === 'object' && typeof Reflect.get(module, 'transpileModule') === 'function'
}

function defaultOf(module: unknown): unknown {
  return module !== null && typeof module === 'object' ? Reflect.get(module, 'default') : undefined
}
