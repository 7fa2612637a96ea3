import type { ProjectFiles } from '../project-files.ts'

/** The cookie from which the application takes its token. */
export interface TokenCookie {
  readonly name: string
  /** The file that reads it. */
  readonly path: string
}

/**
 * Patterns of code that reads one cookie, in Express, Fastify, Koa, Hono and passport-jwt. The name of the cookie is a property, a key in
 * brackets, or an argument.
 */
const READS = [
  /\b(?:req|request|ctx|context|c)\??\.cookies\??\.(?:get\(\s*['"])?([\w-]{1,64})/g,
  /\b(?:req|request)\??\.cookies\??(?:\.)?\[\s*['"]([\w.-]{1,64})['"]\s*\]/g,
  /\bgetCookie\(\s*\w{1,40}\s*,\s*['"]([\w.-]{1,64})['"]/g,
]
const TOKEN = /token|jwt|session|auth|sid/i
/** Names of cookies whose token does not say who is calling. */
const OTHER = /refresh|csrf|xsrf/i

/**
 * Finds the cookie that holds the token of a request. Undefined if no code reads one, or if several could be meant.
 */
export function findTokenCookie(files: ProjectFiles): TokenCookie | undefined {
  const found = files
    .find(/\.[cm]?[jt]s$/)
    .filter((path) => !/(?:^|\/)(?:tests?|__tests__|e2e)\/|\.(?:test|spec|config|d)\./.test(path))
    .flatMap((path) => cookiesOf(files.read(path) ?? '').map((name) => ({ name, path })))
  const names = new Set(found.map(({ name }) => name))
  return names.size === 1 ? found[0] : undefined
}

function cookiesOf(text: string): readonly string[] {
  return READS.flatMap((read) => [...text.matchAll(read)].map(([, name = '']) => name)).filter(
    (name) => TOKEN.test(name) && !OTHER.test(name),
  )
}
