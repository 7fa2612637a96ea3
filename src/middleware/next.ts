import type { TenantContext } from '../context/tenant-context.ts'
import { ConfigurationError } from '../errors.ts'
import { type AdapterOptions, type Gates, gatesOf } from '../http/adapter-options.ts'
import type { HandleOptions } from '../http/fetch/handle-fetch.ts'
import type { HttpCall, OpenOptions } from '../http/http-call.ts'
import { type HttpRequest, openRequest } from '../http/http-request.ts'
import type { HttpWall } from '../http/request-wall.ts'
import { checkRouteRule, type RouteRule } from '../http/route-rule.ts'
import { refusalAnswer } from '../rate-limit/answer.ts'
import { limitExceeded } from '../rate-limit/limit-refusal.ts'
import { databaseRefusal } from '../repository/database-refusal.ts'

export { getCurrentTenant, requireTenant } from '../context/run-with-tenant.ts'
export type { RouteRule } from '../http/route-rule.ts'
export type { AgreementOptions } from '../http/tenant-hints.ts'

/** The part of a wall that the adapter uses. */
export interface NextWall extends HttpWall {
  handle(
    request: Request,
    options: HandleOptions,
    fn: (context: TenantContext) => Response | Promise<Response>,
  ): Promise<Response>
}

/** Headers of a request, as `headers()` of `next/headers` returns them. */
export interface NextHeaders {
  get(name: string): string | null
}

/** Options of {@link nextTenant}. */
export interface NextTenantOptions extends AdapterOptions {
  /** `headers` of `next/headers`. */
  readonly headers: () => NextHeaders | Promise<NextHeaders>
  /** `cache` of `react`: all components of one page then share one admission. Default: each call admits the request again. */
  readonly cache?: (<T>(fn: () => T) => () => T) | undefined
  /** Takes the token out of the headers, such as out of a cookie. Default: `Authorization: Bearer`. */
  readonly token?: ((headers: NextHeaders) => string | undefined) | undefined
  /** The client's address, such as from a header that your proxy sets. Default: unknown; limits of failed tokens then don't apply. */
  readonly ip?: ((headers: NextHeaders) => string | undefined) | undefined
  /**
   * Called with each refusal of an action or a component. It may throw instead, such as by `redirect('/login')`. If it returns, the refusal is
   * thrown.
   */
  readonly onRefused?: ((error: unknown) => void) | undefined
}

/** A route handler, as Next.js calls it. */
type RouteHandler<Context> = (request: Request, context: Context) => Promise<Response>

/** Wrappers for the entry points of a Next.js application. */
export interface NextTenant {
  /** Makes a route handler: `export const GET = tenant.route({ permission }, (request) => Response.json(…))`. */
  route<Context>(
    rule: RouteRule,
    handler: (request: Request, context: Context, tenant: TenantContext) => Response | Promise<Response>,
  ): RouteHandler<Context>
  /** Makes a server action. Its arguments come from the client, like a request body. Its result is checked by the guard. */
  action<Values extends readonly unknown[], Result>(
    rule: RouteRule,
    fn: (...values: Values) => Result | Promise<Result>,
  ): (...values: Values) => Promise<Result>
  /**
   * Runs one piece of a server component in the tenant's context: `const rows = await tenant.run(() => documents.findPage())`. Components
   * inside a component are rendered later, so each calls `run` itself. Statements are read-only, in pools with `readOnlyOnSafeMethods`.
   */
  run<Result>(fn: (tenant: TenantContext) => Result | Promise<Result>, rule?: RouteRule): Promise<Result>
}

/**
 * Binds a wall to Next.js 15 and 16: route handlers, server actions and server components.
 *
 * Errors of actions and components are thrown, because Next.js answers them. In production, Next.js hides their messages from the client.
 *
 * @example
 * ```ts
 * export const tenant = nextTenant(wall, { headers, cache, guard: wall.guard, token: sessionToken })
 * ```
 * @throws {ConfigurationError} `PARTYWALL_CONFIGURATION`
 */
export function nextTenant(wall: NextWall, options: NextTenantOptions): NextTenant {
  const { headers, cache, token, ip, onRefused = () => {}, ...shared } = options
  if (typeof headers !== 'function')
    throw new ConfigurationError("nextTenant(wall, { headers }): give the function headers of 'next/headers'.")
  const gates = gatesOf(wall, shared, 'nextTenant(wall, options)')
  const opening: OpenOptions<NextCall> = {
    agreement: shared.agreement,
    refuseBlocked: gates.refuseBlocked,
    token: token === undefined ? undefined : (call) => token(call.headers),
  }
  const enter = async (method: string, rule: RouteRule, held: boolean): Promise<NextRequest> => {
    const given = await headers()
    const http = openRequest(wall, new NextCall(given, method, ip?.(given)), opening)
    const entered = new NextRequest(wall, http, gates, await http.admit())
    try {
      await entered.count(rule)
    } catch (error) {
      entered.leave()
      throw error
    }
    if (!held) entered.leave()
    return entered
  }
  const admitOnce = cache?.(() => enter('GET', {}, false))
  const refused = (error: unknown): never => {
    const told = databaseRefusal(error)
    onRefused(told)
    throw told
  }

  return {
    route(rule, handler) {
      checkRouteRule(rule, wall, 'tenant.route(rule, handler)')
      return (request, context) => {
        const own = token === undefined ? undefined : (asked: Request) => token(asked.headers)
        const handling = { ...shared, rule, token: own, ip: ip?.(request.headers), host: hostOf(request.headers) }
        return wall.handle(request, handling, (tenant) => handler(request, context, tenant))
      }
    },
    action(rule, fn) {
      checkRouteRule(rule, wall, 'tenant.action(rule, fn)')
      return async (...values) => {
        try {
          return await (await enter('POST', rule, true)).run(rule, () => fn(...values))
        } catch (error) {
          return refused(error)
        }
      }
    },
    async run(fn, rule = {}) {
      checkRouteRule(rule, wall, 'tenant.run(fn, rule)')
      try {
        const entered = admitOnce === undefined ? await enter('GET', rule, true) : await admitOnce()
        return await entered.run(rule, fn)
      } catch (error) {
        return refused(error)
      }
    },
  }
}

/** One admitted request, in which an action runs, or the pieces of a page. */
class NextRequest {
  readonly #wall: NextWall
  readonly #http: HttpRequest
  readonly #gates: Gates
  readonly #context: TenantContext
  #leaveLimiter: () => void = () => {}

  constructor(wall: NextWall, http: HttpRequest, gates: Gates, context: TenantContext) {
    this.#wall = wall
    this.#http = http
    this.#gates = gates
    this.#context = context
  }

  /** @throws {RateLimitExceededError | ConcurrencyExceededError} */
  async count({ route, cost }: RouteRule): Promise<void> {
    const { limiter } = this.#gates
    if (limiter === undefined) return
    const { tenantId, tier, userId } = this.#context
    const asked = { tenantId, tier, userId, route, cost }
    this.#leaveLimiter = limiter.enter(asked)
    const decision = await limiter.check(asked)
    if (refusalAnswer(decision, { requestId: this.#http.requestId, upgradeUrl: limiter.upgradeUrl }) !== undefined)
      throw limitExceeded(decision, limiter.upgradeUrl)
  }

  /** Ends the request for the limits and for the wall. Pieces of a page may still run: each piece is registered as separate work. */
  leave(): void {
    const leaveLimiter = this.#leaveLimiter
    this.#leaveLimiter = () => {}
    leaveLimiter()
    this.#http.close()
  }

  async run<T>(rule: RouteRule, fn: (tenant: TenantContext) => T | Promise<T>): Promise<T> {
    const { access, guard } = this.#gates
    const http = this.#http
    const work = this.#wall.beginWork(this.#context.tenantId, this.#context)
    try {
      if (rule.permission !== undefined) await http.check(access, rule.permission)
      const result = await http.run(async () => fn(this.#context))
      const stopped = work.stopped()
      if (stopped !== undefined) throw stopped
      const foreign = guard === undefined || isElement(result) ? undefined : guard.refusalOfValue(result, this.#context)
      if (foreign !== undefined) throw foreign
      return result
    } finally {
      work.end()
      this.leave()
    }
  }
}

/** An element of React refers to React's own tree. Its data were results of queries before. */
function isElement(value: unknown): boolean {
  return typeof value === 'object' && value !== null && '$$typeof' in value
}

/** A request of which Next.js provides only the headers. Its path names no tenant. */
class NextCall implements HttpCall {
  readonly headers: NextHeaders
  readonly method: string
  readonly ip: string | undefined
  readonly path = ''

  constructor(headers: NextHeaders, method: string, ip: string | undefined) {
    this.headers = headers
    this.method = method
    this.ip = ip
  }

  header(name: string): string | undefined {
    return this.headers.get(name) ?? undefined
  }

  get host(): string | undefined {
    return hostOf(this.headers)
  }

  get userAgent(): string | undefined {
    return this.header('user-agent')
  }
}

/** The `Host` header: the URL of a request has the host of the server in Next.js. */
function hostOf(headers: NextHeaders): string | undefined {
  return headers.get('host')?.replace(/:\d*$/, '')
}
