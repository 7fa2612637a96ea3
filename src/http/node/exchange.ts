import type { IncomingMessage, ServerResponse } from 'node:http'
import { bindEvents } from '../bind-events.ts'
import { CACHE_CONTROL, varyByToken } from '../cache-headers.ts'
import type { OpenOptions } from '../http-call.ts'
import { type HttpRequest, openRequest } from '../http-request.ts'
import { logFailure } from '../problem.ts'
import type { RequestWall } from '../request-wall.ts'
import { answerProblem } from './answer-problem.ts'
import { onceClosed } from './in-progress.ts'
import type { NodeCall } from './node-call.ts'

const opened = new WeakMap<object, HttpRequest>()

/** The opened request that belongs to a request of Node or of a framework. Undefined if it was not opened. */
export function openedRequest(request: object): HttpRequest | undefined {
  return opened.get(request)
}

/**
 * Opens a request of Node's HTTP server, and sets the headers that every answer has: `X-Request-Id`, `Cache-Control`, `Vary`.
 */
export function openExchange<Call extends NodeCall>(
  wall: RequestWall,
  call: Call,
  response: ServerResponse,
  options: OpenOptions<Call>,
): HttpRequest {
  const http = openRequest(wall, call, options)
  opened.set(call.request, http)
  response.setHeader('X-Request-Id', http.requestId)
  if (!response.hasHeader('Cache-Control')) response.setHeader('Cache-Control', CACHE_CONTROL)
  const vary = response.getHeader('Vary')
  response.setHeader('Vary', varyByToken(vary === undefined ? undefined : String(vary)))
  return http
}

/**
 * Admits an opened request. The request ends with its answer, and is stopped if its tenant is suspended: it gets no more data, and its
 * answer is cut off, or is a refusal if nothing was sent.
 *
 * @param takeOver called before the refusal is answered in place of the framework
 * @returns false if the request was stopped already; its answer was then sent too
 */
export async function admitExchange(
  http: HttpRequest,
  request: IncomingMessage,
  response: ServerResponse,
  takeOver?: () => void,
): Promise<boolean> {
  await http.admit()
  onceClosed(request, response, () => http.close())
  http.onStop((reason) => {
    // The handler doesn't know that its answer was ended. Without a listener, its next write would end the process.
    response.on('error', () => {})
    if (response.headersSent) request.socket.destroy()
    else {
      takeOver?.()
      answerProblem(http, request, response, reason)
    }
  })
  return http.stopped() === undefined
}

/** Runs `fn` in the tenant's context. From then on the listeners of the request and of its answer run there too. */
export function runExchange<T>(http: HttpRequest, request: IncomingMessage, response: ServerResponse, fn: () => T): T {
  return http.run(() => {
    bindEvents(request, response)
    return fn()
  })
}

/** Answers an error of a handler. An answer that has begun is cut off; otherwise its client would take it for complete. */
export function failExchange(
  http: HttpRequest | undefined,
  request: IncomingMessage,
  response: ServerResponse,
  error: unknown,
): void {
  // The tenant was suspended and an answer was sent already, or the client has disconnected.
  if (response.writableEnded) return
  if (!response.headersSent) {
    answerProblem(http, request, response, error)
    return
  }
  if (http !== undefined) logFailure(http, error)
  response.destroy()
}
