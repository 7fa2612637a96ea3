import { declarationOf, type RouteDeclaration } from '../route-declaration.ts'
import { declaredBeforeLast, type FoundRoute, foundRoute, type RouteReport, reportOf } from '../route-report.ts'

/** A handler as Hono lists it: one entry for each handler, in order. */
interface HonoRoute {
  readonly method: string
  readonly path: string
  readonly handler: unknown
}

/**
 * Finds routes of a Hono application without a declared permission, also in applications that it mounts with `route()`.
 *
 * A route is declared by `requirePermission` or `publicRoute` before its last handler, or by `app.use(requirePermission(…))` above it, if
 * the path of `use` covers the route.
 *
 * @throws {ConfigurationError} `PARTYWALL_CONFIGURATION` if there is no route, because such a result proves nothing
 */
export function findUndeclaredRoutes(app: { readonly routes: readonly HonoRoute[] }): RouteReport {
  const groups = new Map<string, HonoRoute[]>()
  const found: FoundRoute[] = []
  for (const route of app.routes) {
    const key = `${route.method} ${route.path}`
    groups.set(key, [...(groups.get(key) ?? []), route])
  }
  for (const [key, group] of groups) {
    const [first] = group
    if (first === undefined || isMiddleware(first)) continue
    const place = app.routes.indexOf(first)
    const declared =
      declaredBeforeLast(group.map(({ handler }) => handler)) ?? covering(app.routes.slice(0, place), first)
    found.push(foundRoute(first.method, key.slice(first.method.length + 1), declared))
  }
  return reportOf(found)
}

/** Hono lists what `use` adds as a route of all methods whose path ends in a star. */
function isMiddleware({ method, path }: HonoRoute): boolean {
  return method === 'ALL' && path.endsWith('*')
}

function covering(before: readonly HonoRoute[], { path }: HonoRoute): RouteDeclaration | undefined {
  for (const route of before) {
    const declared = isMiddleware(route) ? declarationOf(route.handler) : undefined
    if (declared === undefined) continue
    const root = route.path.replace(/\/?\*$/, '')
    if (path === root || path.startsWith(`${root}/`)) return declared
  }
  return undefined
}
