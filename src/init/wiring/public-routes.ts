import { type NestRoute, nestRoutes } from '../detection/nest-routes.ts'
import type { ByHand } from '../plan/init-plan.ts'
import type { ProjectFiles } from '../project-files.ts'

/** Routes of NestJS that run without a tenant: `routes` are excluded by the written code, and `byHand` are left to a person. */
interface PublicRoutes {
  /** `POST /auth/login`. Exactly these routes are excluded, and nothing below them. */
  readonly routes: readonly string[]
  readonly byHand: readonly ByHand[]
}

/**
 * The routes that a decorator such as `@Public()` marks. A route is excluded only if its method and path are known for sure, and if no
 * request of another route matches it.
 *
 * @param wallPath the file that holds the list
 */
export function publicRoutes(files: ProjectFiles, wallPath: string): PublicRoutes {
  const all = nestRoutes(files)
  const marked = all.filter(({ isMarked }) => isMarked)
  const prefix = globalPrefix(files)
  const unclear = prefix === undefined ? marked : marked.filter((route) => !isClear(route) || overlaps(route, all))
  const routes = marked.filter((route) => !unclear.includes(route)).map((route) => named(route, prefix ?? ''))
  const open = opened(all, files)
  return {
    routes: [...new Set(routes)].sort(),
    byHand: [
      ...entryOf(wallPath, unclear, UNCLEAR),
      ...entryOf(
        wallPath,
        open,
        'these routes have no guard. Add to publicRoutes only those that run before the tenant is known, such as sign-in. Code of a public route reaches no row of a tenant, and its caller needs no token. A line is written so:',
      ),
    ],
  }
}

const UNCLEAR =
  'these routes need no token, but their path is not known for sure, or requests of other routes match it. Add them to publicRoutes with the whole path of their requests, as in:'

function entryOf(path: string, routes: readonly NestRoute[], why: string): readonly ByHand[] {
  if (routes.length === 0) return []
  return [{ path, why, lines: routes.map((route) => `'${named(route, '')}'   // ${route.file}`) }]
}

function named({ method, path }: NestRoute, prefix: string): string {
  return `${method} ${`${prefix}${path ?? '/…'}`.replace(/(?<=.)\/$/, '')}`
}

/** Whether each part of the path is plain text or one whole parameter. A wildcard and a part such as `:from-:to` are not clear. */
function isClear({ path }: NestRoute): boolean {
  return path?.split('/').every((part) => /^(?:[\w.~-]*|:\w+)$/.test(part)) === true
}

/** Whether a request of another route, which needs a token, also matches this route. Only a person may exclude such a route. */
function overlaps(route: NestRoute, all: readonly NestRoute[]): boolean {
  const parts = (route.path ?? '').split('/')
  if (!parts.some((part) => part.startsWith(':'))) return false
  return all.some((other) => {
    if (other.isMarked || (route.method !== 'ALL' && other.method !== 'ALL' && other.method !== route.method))
      return false
    if (!isClear(other)) return true
    const others = (other.path ?? '').split('/')
    return (
      others.length === parts.length &&
      parts.every((part, at) => part === others[at] || part.startsWith(':') || others[at]?.startsWith(':') === true)
    )
  })
}

/** The text of `setGlobalPrefix('api')` as `/api`. Undefined if paths also depend on something else, such as versions. */
function globalPrefix(files: ProjectFiles): string | undefined {
  const texts = files.find(/\.[cm]?[jt]s$/).map((path) => files.read(path) ?? '')
  if (texts.some((text) => /VersioningType\.URI|\bRouterModule\.register\b/.test(text))) return undefined
  const calls = texts.flatMap((text) =>
    [...text.matchAll(/\.setGlobalPrefix\(([^)]*)\)/g)].map(([, argument]) => argument ?? ''),
  )
  if (calls.length === 0) return ''
  const path = /^['"`]\/?([\w/-]{0,200})['"`],?$/.exec((calls[0] ?? '').trim())?.[1]?.replace(/\/$/, '')
  return calls.length > 1 || path === undefined ? undefined : `/${path}`
}

/** If the application has guards on controllers, and no guard for the whole application: the routes without a guard. */
function opened(all: readonly NestRoute[], files: ProjectFiles): readonly NestRoute[] {
  if (!all.some(({ isGuarded }) => isGuarded)) return []
  const hasGlobal = files
    .find(/\.[cm]?[jt]s$/)
    .some((path) => /APP_GUARD[^}]{0,200}(?:auth|jwt|session)|useGlobalGuards\(/i.test(files.read(path) ?? ''))
  return hasGlobal ? [] : all.filter(({ isGuarded, isMarked }) => !isGuarded && !isMarked)
}
