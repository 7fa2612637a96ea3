import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify'
import type { Gates } from '../http/adapter-options.ts'
import type { OpenOptions } from '../http/http-call.ts'
import { CONTENT_HEADERS } from '../http/node/answer-problem.ts'
import { enterExchange } from '../http/node/enter-exchange.ts'
import { failExchange, openExchange, openedRequest } from '../http/node/exchange.ts'
import { refuseHead } from '../http/node/guarded-answer.ts'
import { NodeCall } from '../http/node/node-call.ts'
import { failureProblem } from '../http/problem.ts'
import type { HttpWall } from '../http/request-wall.ts'
import type { RouteRule } from '../http/route-rule.ts'

declare module 'fastify' {
  interface FastifyContextConfig {
    /** What partywall demands of a request to this route. Default: a token and nothing more. */
    partywall?: RouteRule
  }
}

interface TenantHooks {
  readonly wall: HttpWall
  readonly gates: Gates
  readonly opening: OpenOptions<FastifyCall>
  /** Called with a refusal. The handler of the request does not run. */
  readonly onError: (
    error: unknown,
    request: FastifyRequest,
    reply: FastifyReply,
    next: (error?: Error) => void,
  ) => void
  /** Requests that belong to no tenant, such as health checks. They run without a context. */
  readonly exclude?: ((request: FastifyRequest) => boolean) | undefined
}

/** Adds the hooks that check each request, and run its handler in the tenant's context. */
export function addTenantHooks(app: FastifyInstance, { wall, gates, opening, onError, exclude }: TenantHooks): void {
  app.addHook('onRequest', (request, reply, next) => {
    if (exclude?.(request) === true) return next()
    // Fastify has its own list of headers, and later replaces those of Node's response by it. So copy in both directions.
    copyHeaders(reply)
    const http = openExchange(wall, new FastifyCall(request), reply.raw, opening)
    for (const name of OWN_HEADERS) reply.header(name, reply.raw.getHeader(name))
    const rule = request.routeOptions.config.partywall ?? {}
    const takeOver = () => takeOverReply(reply)
    enterExchange({ http, request: request.raw, response: reply.raw, gates, rule, takeOver }).then(
      (goesOn) => {
        if (goesOn) http.run(next)
      },
      (error: unknown) => onError(error, request, reply, next),
    )
  })
  // A plugin may have called the `done` of its own hook outside the context. So enter the context again before the handler.
  app.addHook('preHandler', (request, _reply, next) => {
    const http = openedRequest(request.raw)
    if (http === undefined) next()
    else http.run(next)
  })
  if (gates.guard !== undefined) guardHeads(app)
}

const OWN_HEADERS = ['X-Request-Id', 'Cache-Control', 'Vary']

/** Checks answers to HEAD here, because Fastify drops their body before Node's response sees it. */
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

/** Lets partywall answer in place of Fastify. The answer gets the headers that other plugins have set, such as those of CORS. */
export function takeOverReply(reply: FastifyReply): void {
  copyHeaders(reply)
  reply.hijack()
}

function copyHeaders(reply: FastifyReply): void {
  for (const [name, value] of Object.entries(reply.getHeaders()))
    if (value !== undefined && !reply.raw.hasHeader(name)) reply.raw.setHeader(name, value)
}

export function answerError(error: unknown, request: FastifyRequest, reply: FastifyReply): void {
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
export class FastifyCall extends NodeCall {
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
