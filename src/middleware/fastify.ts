import type { FastifyInstance, FastifyRequest } from 'fastify'
import { ConfigurationError } from '../errors.ts'
import { type AdapterOptions, gatesOf } from '../http/adapter-options.ts'
import type { HttpWall } from '../http/request-wall.ts'
import { checkRouteRule, type RouteRule } from '../http/route-rule.ts'
import { addTenantHooks, answerError, type FastifyCall } from './fastify-hooks.ts'
import type { RouteDeclaration } from './route-declaration.ts'
import { type FoundRoute, foundRoute, type RouteReport, reportOf } from './route-report.ts'

export { getCurrentTenant, requireTenant } from '../context/run-with-tenant.ts'
export type { HttpWall } from '../http/request-wall.ts'
export type { RouteRule } from '../http/route-rule.ts'
export type { AgreementOptions } from '../http/tenant-hints.ts'
export type { FoundRoute, RouteReport } from './route-report.ts'

/** Options of {@link partywallPlugin}. */
export interface PartywallPluginOptions extends AdapterOptions {
  readonly wall: HttpWall
  /** Takes the token out of a request; default: `Authorization: Bearer`. */
  readonly token?: ((request: FastifyRequest) => string | undefined) | undefined
  /** Requests that belong to no tenant, such as health checks. They run without a context and need no token. */
  readonly exclude?: ((request: FastifyRequest) => boolean) | undefined
  /** True: a route that declares neither `permission` nor `public` is refused when it is added. Default false. */
  readonly requireDeclarations?: boolean | undefined
}

/**
 * A plugin for Fastify 5. All routes of the plugin's scope and of the scopes below it need a token, also routes that were added before the
 * plugin. Their handlers run in the tenant's context.
 *
 * A route declares its rule in `config: { partywall: { permission, route, public: 'reason' } }`. Errors become problem documents. Exclude
 * health checks, or register them in a scope without the plugin.
 *
 * @example
 * ```ts
 * await app.register(partywallPlugin, { wall, guard: wall.guard })
 * app.get('/documents', { config: { partywall: { permission: 'documents:read' } } }, () => documents.findPage())
 * ```
 * @throws {ConfigurationError} `PARTYWALL_CONFIGURATION`
 * @see RFC 9457 (problem details)
 */
export function partywallPlugin(app: FastifyInstance, options: PartywallPluginOptions, done: () => void): void {
  const { wall, agreement, token, exclude, requireDeclarations } = options
  const gates = gatesOf(wall, options, 'partywallPlugin')
  const opening = {
    agreement,
    refuseBlocked: gates.refuseBlocked,
    token: token === undefined ? undefined : (call: FastifyCall) => token(call.fastify),
  }
  const routes: FoundRoute[] = []
  added.set(app, routes)
  app.addHook('onRoute', ({ method, url, config }) => {
    const caller = `${String(method)} ${url}: config.partywall`
    const rule = config?.partywall
    if (rule !== undefined) checkRouteRule(rule, wall, caller)
    if (requireDeclarations === true && rule?.permission === undefined && rule?.public === undefined)
      throw new ConfigurationError(`${caller}: declare a permission, or public with a reason.`)
    for (const each of [method].flat()) if (each !== 'HEAD') routes.push(foundRoute(each, url, declarationIn(rule)))
  })
  addTenantHooks(app, { wall, gates, opening, exclude, onError: passOn })
  app.setErrorHandler(answerError)
  done()
}

// As fastify-plugin does: hooks and the error handler apply to the scope in which the plugin is registered.
Object.assign(partywallPlugin, {
  [Symbol.for('skip-override')]: true,
  [Symbol.for('fastify.display-name')]: 'partywall',
})

/** Fastify accepts every thrown value, although its type says Error. */
function passOn(error: unknown, _request: unknown, _reply: unknown, next: (error?: Error) => void): void {
  next(error instanceof Error ? error : new Error(String(error)))
}

/** The routes that were added after the plugin, by the instance in which it is registered. */
const added = new WeakMap<FastifyInstance, FoundRoute[]>()

function declarationIn(rule: RouteRule | undefined): RouteDeclaration | undefined {
  if (rule?.permission !== undefined) return { permission: rule.permission }
  return rule?.public === undefined ? undefined : { reason: rule.public }
}

/**
 * Finds routes without `config.partywall.permission` and `config.partywall.public`, among those that were added after the plugin.
 *
 * @param app the instance in which the plugin is registered
 * @throws {ConfigurationError} `PARTYWALL_CONFIGURATION` if the plugin is not registered there, or if there is no route
 */
export function findUndeclaredRoutes(app: FastifyInstance): RouteReport {
  const routes = added.get(app)
  if (routes === undefined)
    throw new ConfigurationError('findUndeclaredRoutes(app): partywallPlugin is not registered in this instance.')
  return reportOf(routes)
}
