import { ConfigurationError } from '../errors.ts'
import { declarationOf, type RouteDeclaration } from './route-declaration.ts'
import { type FoundRoute, foundRoute, type RouteReport, reportOf } from './route-report.ts'

export type { FoundRoute, RouteReport } from './route-report.ts'

/**
 * Walks the router of an Express 4 or 5 application and finds routes without a declared permission.
 *
 * A route is declared by `requirePermission` or `publicRoute` before its last handler, or in a `use` without a path
 * (`router.use(requirePermission('admin:use'))`) before the route on the same router. A mounted application counts as undeclared, because
 * its routes can't be read from outside: call this function for that application separately. Middleware that answers without a route
 * (`app.use('/x', handler)`) is not found.
 *
 * @example
 * ```ts
 * expect(findUndeclaredRoutes(app).undeclared).toEqual([])
 * ```
 * @throws {ConfigurationError} `PARTYWALL_CONFIGURATION` if there is no router or no route, because such a result proves nothing
 */
export function findUndeclaredRoutes(app: object): RouteReport {
  const stack = stackOf(app)
  if (stack === undefined) {
    throw new ConfigurationError('findUndeclaredRoutes(app): expected an application or a router of Express 4 or 5.')
  }
  return reportOf(walk(stack, '', undefined))
}

function property(value: unknown, name: string): unknown {
  const hasProperties = (typeof value === 'object' && value !== null) || typeof value === 'function'
  return hasProperties ? Reflect.get(Object(value), name) : undefined
}

function stackOf(app: unknown): readonly unknown[] | undefined {
  const own = property(app, 'stack')
  if (Array.isArray(own)) return own
  // `_router` first: in Express 4 reading `router` throws.
  const express4 = property(property(app, '_router'), 'stack')
  if (Array.isArray(express4)) return express4
  const express5 = property(app, '_router') === undefined && isExpress5(app) ? property(app, 'router') : undefined
  const stack = property(express5, 'stack')
  return Array.isArray(stack) ? stack : undefined
}

/** Express 4 creates its router with the first route. Its property `router` is a getter that throws. */
function isExpress5(app: unknown): boolean {
  return typeof property(app, 'lazyrouter') !== 'function'
}

function walk(stack: readonly unknown[], prefix: string, inherited: RouteDeclaration | undefined): FoundRoute[] {
  const found: FoundRoute[] = []
  let declared = inherited
  for (const layer of stack) {
    const route = property(layer, 'route')
    const handle = property(layer, 'handle')
    if (route !== undefined && route !== null) {
      found.push(...routesOf(route, prefix, declared))
      continue
    }
    const inner = property(handle, 'stack')
    if (Array.isArray(inner)) found.push(...walk(inner, prefix + mountPath(layer), declared))
    else if (property(handle, 'name') === 'mounted_app') {
      found.push({ method: 'ALL', path: `${prefix}${mountPath(layer)}/(mounted application)` })
    } else if (coversAll(layer)) declared ??= declarationOf(handle)
  }
  return found
}

/** Whether a layer of `use` applies to all paths. Only such a layer can declare the routes after it. */
function coversAll(layer: unknown): boolean {
  return property(layer, 'slash') === true || property(property(layer, 'regexp'), 'fast_slash') === true
}

function mountPath(layer: unknown): string {
  if (coversAll(layer)) return ''
  // Express 4 keeps the path as a pattern: ^\/projects\/?(?=\/|$)
  const source = property(property(layer, 'regexp'), 'source')
  const match = typeof source === 'string' ? /^\^((?:\\\/[\w.-]+)+)\\\/\?/.exec(source) : null
  return match?.[1] === undefined ? '/…' : match[1].replaceAll('\\/', '/')
}

function routesOf(route: unknown, prefix: string, inherited: RouteDeclaration | undefined): FoundRoute[] {
  const path = property(route, 'path')
  const shown = `${prefix}${Array.isArray(path) ? path.map(String).join('|') : String(path)}`
  const stack = property(route, 'stack')
  const layers: readonly unknown[] = Array.isArray(stack) ? stack : []
  // A layer without a method applies to all methods.
  const methods = new Set(layers.map((layer) => methodOf(layer) ?? 'all'))
  const single = methods.size > 1 ? [...methods].filter((method) => method !== 'all') : [...methods]
  const found = single.map((method) => ({ method, declared: declaredFor(layers, method) ?? inherited }))
  // Express stores `app.all` as one layer for each method that Node.js knows.
  const isAll = single.length > 20 && new Set(found.map(({ declared }) => declared)).size === 1
  return (isAll ? found.slice(0, 1) : found).map(({ method, declared }) =>
    foundRoute(isAll ? 'ALL' : method.toUpperCase(), shown, declared),
  )
}

/** A declaration counts only before the last handler of its method: after the handler that answers, it would protect nothing. */
function declaredFor(layers: readonly unknown[], method: string): RouteDeclaration | undefined {
  const own = layers.filter((layer) => [undefined, 'all', method].includes(methodOf(layer)))
  for (const layer of own.slice(0, -1)) {
    const declared = declarationOf(property(layer, 'handle'))
    if (declared !== undefined) return declared
  }
  return undefined
}

function methodOf(layer: unknown): string | undefined {
  const method = property(layer, 'method')
  return typeof method === 'string' ? method : undefined
}
