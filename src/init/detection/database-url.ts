import { parseEnv } from 'node:util'
import { ENV_FILES, URL_VARIABLES } from '../../config/connection-variables.ts'
import type { ProjectFiles } from '../project-files.ts'
import { type DatabaseParts, findParts, partNames, urlOfParts } from './database-parts.ts'

/** A connection string, and where it was found. `source` never contains the password. */
export interface FoundUrl {
  readonly url: string
  /** The environment variable that holds it; undefined if it comes from parts, or from docker-compose. */
  readonly variable: string | undefined
  /** The environment variables that hold its parts, such as `DB_HOST`. */
  readonly parts?: DatabaseParts | undefined
  readonly source: string
}

const COMPOSE_FILES = ['docker-compose.yml', 'docker-compose.yaml', 'compose.yml', 'compose.yaml']

type Environment = Readonly<Record<string, string | undefined>>

/**
 * The URL with which the project's migrations run. In this order:
 *
 * 1. variables that the project's own code reads: a URL, else parts such as `DB_HOST` and `DB_NAME`
 * 2. other variables with a URL, else with parts
 * 3. docker-compose
 *
 * The environment has priority over env files. `.env.example` is not used, because its values are examples.
 */
export function findDatabaseUrl(files: ProjectFiles, environment: Environment): FoundUrl | undefined {
  const places = [
    { name: undefined, values: environment },
    ...ENV_FILES.map((name) => ({ name, values: parseEnv(files.read(name) ?? '') as Environment })),
  ]
  const find = (name: string) => places.find(({ values }) => (values[name] ?? '') !== '')
  const isRead = namesInCode(files)
  for (const allowed of [isRead, () => true]) {
    // The code may read a variable with any name, such as DATABASE_CONNECTION.
    const named = places.flatMap(({ name, values }) => (name === undefined ? [] : Object.keys(values)))
    for (const variable of allowed === isRead ? [...new Set([...URL_VARIABLES, ...named])] : URL_VARIABLES) {
      if (!allowed(variable)) continue
      for (const { name, values } of places) {
        const url = values[variable]
        if (!isUrl(url)) continue
        const source = name === undefined ? `the environment variable ${variable}` : `${variable} in ${name}`
        return { url, variable, source }
      }
    }
    const parts = findParts(allowed, (name) => find(name) !== undefined)
    const url = parts === undefined ? undefined : urlOfParts(parts, (name) => find(name)?.values[name])
    if (parts === undefined || url === undefined) continue
    const from = new Set(partNames(parts).map((name) => find(name)?.name ?? 'the environment'))
    return { url, variable: undefined, parts, source: `${partNames(parts).join(', ')} in ${[...from].join(' and ')}` }
  }
  for (const name of COMPOSE_FILES) {
    const url = ofCompose(files.read(name) ?? '')
    if (url !== undefined) return { url, variable: undefined, source: name }
  }
  return undefined
}

/** Whether a name occurs in the project's code, or in the configuration of Prisma. */
function namesInCode(files: ProjectFiles): (name: string) => boolean {
  const words = new Set(
    files
      .find(/\.(?:[cm]?[jt]sx?|prisma)$/)
      .flatMap((path) => (files.read(path) ?? '').match(/\b[A-Z][A-Z_]+\b/g) ?? []),
  )
  return (name) => words.has(name)
}

function isUrl(text: string | undefined): text is string {
  return text !== undefined && /^postgres(?:ql)?:\/\//.test(text) && URL.canParse(text)
}

/** The database of a compose file with the image `postgres`. Values that are variables are not resolved. */
function ofCompose(text: string): string | undefined {
  if (!/image:\s*['"]?[\w./-]*postg(?:res|is)/.test(text)) return undefined
  const value = (name: string) => settingIn(text, name)
  const password = value('POSTGRES_PASSWORD')
  if (password === undefined) return undefined
  const user = value('POSTGRES_USER') ?? 'postgres'
  const port = /(\d{1,5}):5432\b/.exec(text)?.[1] ?? '5432'
  return `postgres://${encodeURIComponent(user)}:${encodeURIComponent(password)}@127.0.0.1:${port}/${value('POSTGRES_DB') ?? user}`
}

/** `NAME: value` or `- NAME=value`. Undefined for a variable such as `${PASSWORD}`. */
function settingIn(text: string, name: string): string | undefined {
  for (const line of text.split('\n')) {
    const at = line.indexOf(name)
    const rest = at < 0 ? '' : line.slice(at + name.length).trimStart()
    if (!/^[:=]/.test(rest)) continue
    const value = rest
      .slice(1)
      .trim()
      .replace(/^['"]|['"]$/g, '')
    return value === '' || value.includes('$') ? undefined : value
  }
  return undefined
}
