import type { IncomingMessage, ServerResponse } from 'node:http'
import type { Gates } from '../adapter-options.ts'
import type { HttpRequest } from '../http-request.ts'
import type { RouteRule } from '../route-rule.ts'
import { admitExchange, runExchange } from './exchange.ts'
import { GuardedAnswer } from './guarded-answer.ts'
import { answerLimit, limitExchange } from './limit-exchange.ts'

/** A request of Node's HTTP server, for {@link enterExchange}. */
interface Entering {
  readonly http: HttpRequest
  readonly request: IncomingMessage
  readonly response: ServerResponse
  readonly gates: Gates
  readonly rule: RouteRule
  /** Loads the object for grants with conditions. */
  readonly object?: (() => object | undefined | Promise<object | undefined>) | undefined
  /** Called before partywall answers in place of the framework. */
  readonly takeOver?: (() => void) | undefined
}

/**
 * All checks before a handler, in this order: admission, limits, permission. Then the guard is put in front of the answer.
 *
 * @returns false if the answer was sent already: a refusal by the limits, or because the tenant was suspended
 * @throws the refusal of admission or of the permission
 */
export async function enterExchange(entering: Entering): Promise<boolean> {
  const { http, request, response, takeOver } = entering
  if (!(await admitExchange(http, request, response, takeOver))) return false
  return runExchange(http, request, response, () => passGates(entering))
}

async function passGates(entering: Entering): Promise<boolean> {
  const { http, request, response, gates, rule, object, takeOver } = entering
  const { limiter, access, guard, maxBufferBytes } = gates
  if (limiter !== undefined) {
    const limited = await limitExchange(limiter, rule, request, response)
    if (http.stopped() !== undefined) return false
    if (limited.refusal !== undefined) takeOver?.()
    if (!answerLimit(limited, response)) return false
  }
  if (rule.permission !== undefined) await http.check(access, rule.permission, object)
  if (http.stopped() !== undefined) return false
  if (guard !== undefined) new GuardedAnswer({ guard, maxBufferBytes, deferHead: true }, request, response).install()
  return true
}
