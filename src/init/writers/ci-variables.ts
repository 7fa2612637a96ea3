import { parseEnv } from 'node:util'
import { ENV_FILES } from '../../config/connection-variables.ts'
import { codeMatches } from '../code/source-text.ts'
import type { ByHand } from '../plan/init-plan.ts'
import type { ProjectFiles } from '../project-files.ts'

/** Files that are committed with the names of the settings. */
const EXAMPLES = ['.env.example', '.env.sample', '.env.template', 'env.example', '.env.dist']
/** The job, or the tools in it, set these. */
const NOT_OURS = /^(?:NODE_ENV|NODE_OPTIONS|PATH|HOME|CI|SHADOW_DATABASE_URL|PARTYWALL_\w+|GITHUB_\w+|npm_\w+)$/
/** Secrets of the application's own, whose form no other service prescribes. */
const OWN_SECRET = /SECRET|JWT|SALT|ENCRYPTION|SESSION|COOKIE/
/** A key of a schema with which zod, Joi, envalid or valibot check the environment. */
const SCHEMA_KEY =
  /^\s{0,20}([A-Z][A-Z0-9_]{2,60})\s?:\s?(?:z|v|Joi|joi|yup)\.([^\n]{0,200})|^\s{0,20}([A-Z][A-Z0-9_]{2,60})\s?:\s?(?:str|num|port|url|bool|email|host)\(([^\n]{0,200})/gm

/** Variables of a CI job that the application checks when migrations load its code. */
interface CiVariables {
  /** `NAME: 'value'` for the workflow. The values come from committed examples, or are made up. */
  readonly lines: readonly string[]
  /** Variables without a value that could be written. */
  readonly missing: readonly string[]
}

/**
 * The variables beside those of the database. No value of `.env` is written: of a secret only the length is taken.
 *
 * @param known variables that the job has already
 * @param jobUrl the URL of the job's database
 */
export function ciVariables(files: ProjectFiles, known: ReadonlySet<string>, jobUrl: string): CiVariables {
  const example = valuesOf(files, EXAMPLES)
  const own = valuesOf(files, ENV_FILES)
  const wanted = (name: string) => !known.has(name) && !NOT_OURS.test(name)
  const values = new Map<string, string>()
  const missing = new Set<string>()
  for (const [name, text] of example) {
    if (!wanted(name)) continue
    const value = valueFor(name, text, own.get(name), jobUrl)
    if (value === undefined) missing.add(name)
    else values.set(name, value)
  }
  for (const name of [...own.keys(), ...requiredNames(files)]) if (wanted(name) && !values.has(name)) missing.add(name)
  return {
    lines: [...values].map(([name, value]) => `${name}: '${value.replaceAll("'", "''")}'`),
    missing: [...missing].sort(),
  }
}

/** What a person must add to the job. */
export function ciVariablesByHand(path: string, missing: readonly string[]): readonly ByHand[] {
  if (missing.length === 0) return []
  return [
    {
      path,
      why: `your application has variables that the job does not set: ${missing.join(', ')}. If the command of your migrations loads code that needs them, give them values in the job. No real secret is needed there`,
      lines: [],
    },
  ]
}

function valuesOf(files: ProjectFiles, names: readonly string[]): ReadonlyMap<string, string> {
  const values = new Map<string, string>()
  for (const file of names)
    for (const [name, value] of Object.entries(parseEnv(files.read(file) ?? '')))
      if (!values.has(name)) values.set(name, value ?? '')
  return values
}

function valueFor(name: string, example: string, own: string | undefined, jobUrl: string): string | undefined {
  // An expression of GitHub, or a value of several lines, is left to a person.
  if (example === '' || example.includes('${{') || /[\r\n]/.test(example)) return undefined
  // The example may hold a real secret.
  if (example === own && (/KEY|TOKEN|PASS|CREDENTIAL/.test(name) || /:\/\/[^/\s]{0,200}:[^/\s]{0,200}@/.test(example)))
    return /^postgres(?:ql)?:\/\//.test(example) ? jobUrl : undefined
  if (/^postgres(?:ql)?:\/\//.test(example)) return jobUrl
  if (!OWN_SECRET.test(name) || /^\d+\w?$|^(?:true|false)$/.test(example)) return example
  if (/EXPIR|TTL|AGE|NAME|URL|ISSUER|AUDIENCE|ALG/.test(name)) return example
  const length = own === undefined || own === '' ? Math.max(example.length, 64) : own.length
  return 'only-for-this-job-'.repeat(Math.ceil(length / 18)).slice(0, length)
}

/** Names that a schema of the environment asks for, without those that have a default or may be missing. */
function requiredNames(files: ProjectFiles): readonly string[] {
  return files
    .find(/\.[cm]?[jt]s$/)
    .filter((path) => /(?:^|\/)(?:env|config|environment|settings)[^/]*(?:\/|\.[cm]?[jt]s$)/i.test(path))
    .map((path) => files.read(path) ?? '')
    .filter((text) => codeMatches(text, /process\.env|import\.meta\.env|ConfigModule|cleanEnv/))
    .flatMap((text) => [...text.matchAll(SCHEMA_KEY)])
    .filter(([, , rest, , other]) => !/optional|default|nullish/.test(rest ?? other ?? ''))
    .map(([, name, , other]) => name ?? other ?? '')
}
