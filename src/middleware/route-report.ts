import { ConfigurationError } from '../errors.ts'
import { declarationOf, type RouteDeclaration } from './route-declaration.ts'

/** A route of an application, as its router knows it. */
export interface FoundRoute {
  /** Upper case; `ALL` for a route of all methods. */
  readonly method: string
  /** The path of the route. Express 5 does not keep the path at which a router is mounted; `…` stands in its place. */
  readonly path: string
  /** Absent if no handler before the route's last one declares a permission or a public route. */
  readonly declared?: RouteDeclaration
}

/** Result of `findUndeclaredRoutes`. */
export interface RouteReport {
  readonly routes: readonly FoundRoute[]
  readonly undeclared: readonly FoundRoute[]
}

/** @throws {ConfigurationError} `PARTYWALL_CONFIGURATION` without a route, because such a result proves nothing */
export function reportOf(routes: readonly FoundRoute[]): RouteReport {
  if (routes.length === 0) throw new ConfigurationError('findUndeclaredRoutes(app): there is no route to look at.')
  return { routes, undeclared: routes.filter(({ declared }) => declared === undefined) }
}

export function foundRoute(method: string, path: string, declared: RouteDeclaration | undefined): FoundRoute {
  return declared === undefined ? { method, path } : { method, path, declared }
}

/** A declaration counts only before the last handler: after the handler that answers, it would protect nothing. */
export function declaredBeforeLast(handlers: readonly unknown[]): RouteDeclaration | undefined {
  for (const handler of handlers.slice(0, -1)) {
    const declared = declarationOf(handler)
    if (declared !== undefined) return declared
  }
  return undefined
}
