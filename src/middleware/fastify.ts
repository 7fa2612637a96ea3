import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify'
import { ConfigurationError } from '../errors.ts'
import { type AdapterOptions, gatesOf } from '../http/adapter-options.ts'
import { CONTENT_HEADERS } from '../http/node/answer-problem.ts'
import { enterExchange } from '../http/node/enter-exchange.ts'
import { failExchange, openExchange, openedRequest } from '../http/node/exchange.ts'
import { refuseHead } from '../http/node/guarded-answer.ts'
import { NodeCall } from '../http/node/node-call.ts'
import { failureProblem } from '../http/problem.ts'
import type { HttpWall } from '../http/request-wall.ts'
import { checkRouteRule, type RouteRule } from '../http/route-rule.ts'

export { getCurrentTenant, requireTenant } from '../context/run-with-tenant.ts'
export type { HttpWall } from '../http/request-wall.ts'
export type { RouteRule } from '../http/route-rule.ts'
export type { AgreementOptions } from '../http/tenant-hints.ts'

declare module 'fastify' {
  interface FastifyContextConfig {
    /** What partywall demands of a request to this route. Default: a token and nothing more. */
    partywall?: RouteRule
  }
}

/** Options of {@link partywallPlugin}. */
export interface PartywallPluginOptions extends AdapterOptions {
  readonly wall: HttpWall
  /** Takes the token out of a request; default: `Authorization: Bearer`. */
  readonly token?: ((request: FastifyRequest) => string | undefined) | undefined
  /** True: a route that declares neither `permission` nor `public` is refused when it is added. Default false. */
  readonly requireDeclarations?: boolean | undefined
}

/**
 * A plugin for Fastify 5. All routes that are added after it, in the same scope or below, need a token; their handlers run in the tenant's
 * context.
 *
 * A route declares its rule in `config: { partywall: { permission, route, public: 'reason' } }`. Errors become problem documents. Register
 * health checks in a scope without the plugin.
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
  const { wall, agreement, token, requireDeclarations } = options
  const gates = gatesOf(wall, options, 'partywallPlugin')
  const opening = {
    agreement,
    refuseBlocked: gates.refuseBlocked,
    token: token === undefined ? undefined : (call: FastifyCall) => token(call.fastify),
  }
  app.addHook('onRoute', ({ method, url, config }) => {
    const caller = `${String(method)} ${url}: config.partywall`
    const rule = config?.partywall
    if (rule !== undefined) checkRouteRule(rule, wall, caller)
    if (requireDeclarations === true && rule?.permission === undefined && rule?.public === undefined)
      throw new ConfigurationError(`${caller}: declare a permission, or public with a reason.`)
  })
  app.addHook('onRequest', (request, reply, next) => {
    // Fastify keeps headers of its own, which replace those of Node's response.
    copyHeaders(reply)
    const http = openExchange(wall, new FastifyCall(request), reply.raw, opening)
    for (const name of OWN_HEADERS) reply.header(name, reply.raw.getHeader(name))
    const rule = request.routeOptions.config.partywall ?? {}
    const takeOver = () => takeOverReply(reply)
    enterExchange({ http, request: request.raw, response: reply.raw, gates, rule, takeOver }).then((goesOn) => {
      if (goesOn) http.run(next)
    }, next)
  })
  // A plugin may have called its own hook's `done` outside the context.
  app.addHook('preHandler', (request, _reply, next) => {
    const http = openedRequest(request.raw)
    if (http === undefined) next()
    else http.run(next)
  })
  if (gates.guard !== undefined) guardHeads(app)
  app.setErrorHandler(answerError)
  done()
}

// As fastify-plugin does: hooks and the error handler apply to the scope in which the plugin is registered.
Object.assign(partywallPlugin, {
  [Symbol.for('skip-override')]: true,
  [Symbol.for('fastify.display-name')]: 'partywall',
})

const OWN_HEADERS = ['X-Request-Id', 'Cache-Control', 'Vary']

/** Fastify drops the body of an answer to HEAD before Node's response sees it. */
function guardHeads(app: FastifyInstance): void {
  app.addHook('onSend', (request, reply, payload, next) => {
    const header = (name: string) => String(reply.getHeader(name) ?? '')
    const headers = {
      contentType: header('content-type'),
      codings: header('content-encoding'),
      isPart: reply.statusCode === 206,
    }
    if (request.method === 'HEAD' && refuseHead(reply.raw, payload, headers)) reply.hijack()
    else next(null, payload)
  })
}

/** Partywall answers in place of Fastify, with the headers that other plugins have set, such as those of CORS. */
function takeOverReply(reply: FastifyReply): void {
  copyHeaders(reply)
  reply.hijack()
}

function copyHeaders(reply: FastifyReply): void {
  for (const [name, value] of Object.entries(reply.getHeaders()))
    if (value !== undefined && !reply.raw.hasHeader(name)) reply.raw.setHeader(name, value)
}

function answerError(error: unknown, request: FastifyRequest, reply: FastifyReply): void {
  const http = openedRequest(request.raw)
  if (reply.raw.headersSent) {
    reply.hijack()
    failExchange(http, request.raw, reply.raw, error)
    return
  }
  const { status, headers, body } = failureProblem(error, http)
  for (const name of CONTENT_HEADERS) {
    reply.removeHeader(name)
    reply.raw.removeHeader(name)
  }
  reply.code(status).headers(headers).send(JSON.stringify(body))
}

/** A request of Fastify. `trustProxy` applies to its host and ip. */
class FastifyCall extends NodeCall {
  readonly fastify: FastifyRequest

  constructor(request: FastifyRequest) {
    super(request.raw)
    this.fastify = request
  }

  override get host(): string | undefined {
    return this.fastify.hostname
  }

  override get ip(): string | undefined {
    return this.fastify.ip
  }
}
