import type { RequestHandler, Response } from 'express'
import type { TenantGuard } from '../guards/tenant-guard.ts'
import { bufferSize } from '../http/answer-judge.ts'
import { type AnyMethod, GuardedAnswer } from '../http/node/guarded-answer.ts'

/** Options of {@link responseGuard}. */
export interface ResponseGuardOptions {
  /**
   * Maximum size in bytes of one JSON document or record. The guard holds these bytes back until the check is done, and refuses a longer
   * one. Default 8 MiB.
   */
  readonly maxBufferBytes?: number
}

/**
 * Checks the answers of an Express application before they are sent. An answer that names another tenant is replaced by 403.
 *
 * It checks `res.json`, `res.send`, `res.jsonp`, and JSON that is written or piped: records (NDJSON, JSON lines, server-sent events) one by
 * one, a document as a whole. If the guard refuses before the first byte was sent, the client gets the problem document and none of the
 * handler's headers. In the middle of a stream, the guard closes the connection. Answers that are not JSON pass.
 *
 * Mount it after `tenantContextMiddleware`, the rate limiter and compression. Without a tenant context the guard refuses every answer that
 * names a tenant. `CrossTenantSafe(reason)` as a route's first handler exempts that route.
 *
 * @example
 * ```ts
 * app.use(tenantContextMiddleware(wall))
 * app.use(responseGuard(createTenantGuard({ events: wall.events, logger: wall.logger })))
 * ```
 * @throws {ConfigurationError} `PARTYWALL_CONFIGURATION`
 */
export function responseGuard(guard: TenantGuard, options: ResponseGuardOptions = {}): RequestHandler {
  const maxBufferBytes = bufferSize(options.maxBufferBytes, 'responseGuard(guard, options)')
  return (request, response, next) => {
    const answer = new GuardedAnswer({ guard, maxBufferBytes }, request, response)
    const { json, send } = response
    answer.replace('json', (args) => guardedJson(answer, response, json, args))
    answer.replace('send', (args) => guardedSend(answer, response, send, args))
    answer.install()
    next()
  }
}

/** Only `entities` need the value itself. All other checks read the text that is sent. */
function guardedJson(answer: GuardedAnswer, response: Response, json: AnyMethod, args: readonly unknown[]): unknown {
  const { guard, tenant } = answer.judge
  if (answer.state === 'open' && tenant !== undefined && guard.policy.entities.length > 0 && !answer.isExempt()) {
    const error = guard.refusalOfValue(args.at(-1), tenant)
    if (error !== undefined) return answer.refuse(error)
  }
  return answer.state === 'refused' ? response : Reflect.apply(json, response, args)
}

/** Runs before Express computes an ETag of the body: a client that guesses the ETag must get the same refusal. */
function guardedSend(answer: GuardedAnswer, response: Response, send: AnyMethod, args: readonly unknown[]): unknown {
  if (answer.state === 'refused') return response
  if (answer.state === 'passed' || answer.isExempt()) return Reflect.apply(send, response, args)
  // Express 4 also takes (status, body) and (body, status).
  const body = args.length > 1 && typeof args[0] === 'number' ? args[1] : args[0]
  const error = answer.refusalOfBody(body)
  if (error !== undefined) return answer.refuse(error)
  // An object arrives here again as text, because Express sends it through json().
  if (typeof body === 'string' || ArrayBuffer.isView(body)) answer.pass()
  return Reflect.apply(send, response, args)
}
