import { parseEnv } from 'node:util'
import type { ProjectFiles } from '../project-files.ts'

/** A connection string, and where it was found. The text of the source never contains the password. */
export interface FoundUrl {
  readonly url: string
  /** The environment variable that holds it; undefined if it comes from docker-compose. */
  readonly variable: string | undefined
  readonly source: string
}

const VARIABLES = ['DATABASE_URL', 'POSTGRES_URL', 'PG_URL', 'DB_URL', 'POSTGRES_URI', 'DATABASE_URI']
const ENV_FILES = ['.env', '.env.local', '.env.development', '.env.development.local']
const COMPOSE_FILES = ['docker-compose.yml', 'docker-compose.yaml', 'compose.yml', 'compose.yaml']

/**
 * The URL with which the project's migrations run: from the environment, else from an env file, else from docker-compose. `.env.example` is
 * not used, because its values are examples.
 */
export function findDatabaseUrl(
  files: ProjectFiles,
  environment: Readonly<Record<string, string | undefined>>,
): FoundUrl | undefined {
  for (const variable of VARIABLES) {
    const url = environment[variable]
    if (isUrl(url)) return { url, variable, source: `the environment variable ${variable}` }
  }
  for (const name of ENV_FILES) {
    const values = parseEnv(files.read(name) ?? '')
    for (const variable of VARIABLES) {
      const url = values[variable]
      if (isUrl(url)) return { url, variable, source: `${variable} in ${name}` }
    }
  }
  for (const name of COMPOSE_FILES) {
    const url = ofCompose(files.read(name) ?? '')
    if (url !== undefined) return { url, variable: undefined, source: name }
  }
  return undefined
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
