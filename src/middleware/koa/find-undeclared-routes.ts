import { ConfigurationError } from '../../errors.ts'
import { declarationOf } from '../route-declaration.ts'
import { declaredBeforeLast, type FoundRoute, foundRoute, type RouteReport, reportOf } from '../route-report.ts'

/** A layer of `@koa/router`. A layer without methods is middleware of `router.use`. */
interface KoaLayer {
  readonly methods: readonly string[]
  readonly path: unknown
  readonly stack: readonly unknown[]
  match(path: string): boolean
}

/**
 * Finds routes of a router of `@koa/router` without a declared permission, also in routers that it mounts.
 *
 * A route is declared by `requirePermission` or `publicRoute` before its last handler, or by `router.use(requirePermission(…))` above it,
 * if the path of `use` covers the route.
 *
 * @throws {ConfigurationError} `PARTYWALL_CONFIGURATION` if there is no route, because such a result proves nothing
 */
export function findUndeclaredRoutes(router: { readonly stack: readonly unknown[] }): RouteReport {
  if (!Array.isArray(router?.stack) || !router.stack.every(isLayer))
    throw new ConfigurationError('findUndeclaredRoutes(router): expected a router of @koa/router.')
  const layers: readonly KoaLayer[] = router.stack
  const found: FoundRoute[] = []
  for (const [place, layer] of layers.entries()) {
    if (layer.methods.length === 0) continue
    const path = String(layer.path)
    const above = layers.slice(0, place).filter((each) => each.methods.length === 0 && each.match(path))
    const inherited = above.flatMap(({ stack }) => stack.map(declarationOf)).find((declared) => declared !== undefined)
    const declared = declaredBeforeLast(layer.stack) ?? inherited
    // The router answers HEAD by the handlers of GET.
    for (const method of layer.methods) if (method !== 'HEAD') found.push(foundRoute(method, path, declared))
  }
  return reportOf(found)
}

function isLayer(value: unknown): value is KoaLayer {
  return (
    typeof value === 'object' &&
    value !== null &&
    Array.isArray(Reflect.get(value, 'methods')) &&
    Array.isArray(Reflect.get(value, 'stack')) &&
    typeof Reflect.get(value, 'match') === 'function'
  )
}
