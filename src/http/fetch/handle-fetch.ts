import type { TenantContext } from '../../context/tenant-context.ts'
import { type AdapterOptions, type Gates, gatesOf } from '../adapter-options.ts'
import { AnswerJudge } from '../answer-judge.ts'
import type { BodyHeaders } from '../body-reading.ts'
import { type HttpRequest, openRequest } from '../http-request.ts'
import { limitRequest } from '../limit-request.ts'
import type { HttpWall } from '../request-wall.ts'
import { checkRouteRule, type RouteRule } from '../route-rule.ts'
import { documentResponse, mergedHeaders, problemResponse } from './fetch-answer.ts'
import { FetchCall, type FetchFacts } from './fetch-call.ts'
import { FetchLife } from './fetch-life.ts'
import { TenantBody } from './tenant-body.ts'

/** Options of `wall.handle`. */
export interface HandleOptions extends AdapterOptions, FetchFacts {
  /** What the request needs, such as a permission. Default: only a token. */
  readonly rule?: RouteRule | undefined
  /** Loads the object for a permission whose grants have conditions. It runs in the tenant's context. */
  readonly object?: (() => object | undefined | Promise<object | undefined>) | undefined
  /** Takes the token out of the request; default: `Authorization: Bearer`. */
  readonly token?: ((request: Request) => string | undefined) | undefined
}

/** A handler of one request. It runs in the tenant's context. */
export type FetchHandler = (context: TenantContext) => Response | Promise<Response>

/**
 * Handles one request of the fetch API in the context of its tenant: token, limits, permission, handler, guard.
 *
 * It never rejects because of the request: refusals and errors of the handler become problem documents. The body of the answer is read in
 * the tenant's context. If the tenant is suspended, or `request.signal` is aborted, the body ends with an error. A request is in flight
 * until the body of its answer has ended or was cancelled.
 *
 * @throws {ConfigurationError} `PARTYWALL_CONFIGURATION` if the options are not valid
 * @see RFC 9457 (problem details); https://fetch.spec.whatwg.org/#fetch-api
 */
export async function handleFetch(
  wall: HttpWall,
  request: Request,
  options: HandleOptions,
  fn: FetchHandler,
): Promise<Response> {
  const { agreement, token, rule = {} } = options
  const gates = gatesOf(wall, options, 'wall.handle')
  if (options.rule !== undefined) checkRouteRule(options.rule, wall, 'wall.handle: rule')
  const http = openRequest(wall, new FetchCall(request, options), {
    agreement,
    refuseBlocked: gates.refuseBlocked,
    token: token === undefined ? undefined : () => token(request),
  })
  const life = new FetchLife(http, request.signal)
  const limits: Record<string, string> = {}
  try {
    const context = await http.admit()
    life.watch()
    const refused = await life.unlessStopped(passGates(http, life, gates, { ...options, rule }, limits))
    if (refused !== undefined) return refused
    const handled = life.handling(http.run(async () => fn(context)))
    const answer = await life.unlessStopped(handled)
    return await send(http, life, gates, answer, limits)
  } catch (error) {
    life.end()
    return request.signal.aborted ? new Response(null, { status: 499 }) : problemResponse(http, error, limits)
  }
}

async function passGates(
  http: HttpRequest,
  life: FetchLife,
  { limiter, access }: Gates,
  { rule = {}, object }: HandleOptions,
  limits: Record<string, string>,
): Promise<Response | undefined> {
  if (limiter !== undefined) {
    const { headers, refusal } = await http.run(() => limitRequest(limiter, rule, (leave) => life.enter(leave)))
    if (refusal !== undefined) {
      life.end()
      return documentResponse(http, refusal)
    }
    Object.assign(limits, headers)
  }
  if (rule.permission !== undefined) await http.check(access, rule.permission, object)
  return undefined
}

async function send(
  http: HttpRequest,
  life: FetchLife,
  { guard, maxBufferBytes }: Gates,
  answer: Response,
  limits: Readonly<Record<string, string>>,
): Promise<Response> {
  const { status, statusText } = answer
  const init = { status, statusText, headers: mergedHeaders(http, answer.headers, limits) }
  if (answer.body === null) {
    life.end()
    return new Response(null, init)
  }
  const check =
    guard === undefined
      ? undefined
      : http.run(() => new AnswerJudge(guard, maxBufferBytes).streamCheck(bodyHeaders(answer)))
  const body = new TenantBody(http, answer.body, check, () => life.end())
  life.sending(body)
  if (check !== undefined) {
    try {
      await life.unlessStopped(body.readAhead())
    } catch (error) {
      body.stop(error)
      throw error
    }
  }
  if (http.call.method !== 'HEAD') return new Response(body.stream(), init)
  // Nobody reads the body of an answer to HEAD.
  body.stop(undefined)
  return new Response(null, init)
}

function bodyHeaders({ headers, status }: Response): BodyHeaders {
  return {
    contentType: headers.get('content-type') ?? '',
    codings: headers.get('content-encoding') ?? '',
    isPart: status === 206 || headers.has('content-range'),
  }
}
