import type { IncomingMessage, ServerResponse } from 'node:http'
import type { FastifyReply } from 'fastify'
import { ConfigurationError, TenantContextMissingError } from '../../errors.ts'
import type { Gates } from '../../http/adapter-options.ts'
import { failExchange, openedRequest } from '../../http/node/exchange.ts'
import { answerLimit, limitExchange } from '../../http/node/limit-exchange.ts'
import { checkPermission } from '../../http/permission.ts'
import type { HttpWall } from '../../http/request-wall.ts'
import { checkRouteRule } from '../../http/route-rule.ts'
import { takeOverReply } from '../fastify-hooks.ts'
import { type NestRule, ruleOf } from './nest-rules.ts'
import type { NestExecutionContext, NestHttpAdapter } from './nest-types.ts'

interface GuardOptions {
  readonly wall: HttpWall
  readonly gates: Gates
  readonly requireDeclarations: boolean
}

/** Node's own request and response, to which the objects of Express or Fastify belong. */
interface Exchange {
  readonly request: IncomingMessage
  readonly response: ServerResponse
  /** Called before partywall answers in place of the framework. */
  takeOver(): void
}

/**
 * Counts the request and checks the permission of its handler. The middleware that `install()` in ../nest.ts adds has opened the tenant's
 * context before.
 */
export class NestTenantGuard {
  readonly #options: GuardOptions

  constructor(options: GuardOptions) {
    this.#options = options
  }

  async canActivate(context: NestExecutionContext): Promise<boolean> {
    const { wall, gates, requireDeclarations } = this.#options
    const rule = ruleOf(context.getHandler(), context.getClass())
    checkRouteRule(plain(rule), wall, 'partywall/nest')
    if (requireDeclarations && rule.permission === undefined && rule.public === undefined)
      throw new ConfigurationError('requireDeclarations: this handler has neither @RequirePermission nor @PublicRoute.')
    if (context.getType() !== 'http') {
      if (rule.permission !== undefined) await checkPermission(gates.access, rule.permission)
      return true
    }
    const exchange = exchangeOf(context)
    const http = openedRequest(exchange.request)
    if (http === undefined) {
      if (rule.permission === undefined) return true
      throw new TenantContextMissingError(
        'The path is listed in `exclude`, so it has no tenant context, but its handler has @RequirePermission. Remove one of the two.',
      )
    }
    if (!(await this.#count(rule, exchange))) return never()
    if (rule.permission !== undefined) {
      const { object } = rule
      const load = object === undefined ? undefined : () => object(context.switchToHttp().getRequest())
      await http.check(gates.access, rule.permission, load)
    }
    return http.stopped() === undefined ? true : never()
  }

  async #count(rule: NestRule, { request, response, takeOver }: Exchange): Promise<boolean> {
    const { limiter } = this.#options.gates
    if (limiter === undefined) return true
    const limited = await limitExchange(limiter, plain(rule), request, response)
    if (limited.refusal !== undefined) takeOver()
    return answerLimit(limited, response)
  }
}

/** Never settles. An answer was sent already, and NestJS would send another answer if the guard returned false. */
const never = () => new Promise<never>(() => {})

function plain({ object: _, ...rule }: NestRule) {
  return Object.fromEntries(Object.entries(rule).filter(([, value]) => value !== undefined))
}

/**
 * Answers errors with problem documents. NestJS's own exceptions below 500 keep their body, such as the messages of a failed validation.
 */
export class NestErrorFilter {
  readonly #adapter: () => NestHttpAdapter

  constructor(adapter: () => NestHttpAdapter) {
    this.#adapter = adapter
  }

  catch(error: unknown, context: NestExecutionContext): void {
    if (context.getType() !== 'http') throw error
    const { request, response, takeOver } = exchangeOf(context)
    const own = ownAnswer(error)
    if (own !== undefined && !response.headersSent) {
      this.#adapter().reply(context.switchToHttp().getResponse(), own.body, own.status)
      return
    }
    if (!response.writableEnded) takeOver()
    failExchange(openedRequest(request), request, response, error)
  }
}

/** The answer of NestJS's `HttpException`. */
function ownAnswer(error: unknown): { readonly body: unknown; readonly status: number } | undefined {
  if (!(error instanceof Error)) return undefined
  const [status, body]: unknown[] = ['getStatus', 'getResponse'].map((name) => {
    const method: unknown = Reflect.get(error, name)
    return typeof method === 'function' ? Reflect.apply(method, error, []) : undefined
  })
  if (typeof status !== 'number' || status < 400 || status >= 500) return undefined
  return { status, body: typeof body === 'object' ? body : { statusCode: status, message: body } }
}

function exchangeOf(context: NestExecutionContext): Exchange {
  const request = context.switchToHttp().getRequest()
  const response = context.switchToHttp().getResponse()
  if (isFastifyReply(response)) {
    return { request: response.request.raw, response: response.raw, takeOver: () => takeOverReply(response) }
  }
  // Express hands out Node's own objects.
  return { request: request as IncomingMessage, response: response as ServerResponse, takeOver: () => {} }
}

function isFastifyReply(value: unknown): value is FastifyReply {
  return typeof value === 'object' && value !== null && 'hijack' in value && 'raw' in value
}
