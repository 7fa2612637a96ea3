import { CACHE_CONTROL, varyByToken } from '../cache-headers.ts'
import type { HttpRequest } from '../http-request.ts'

/** The answer to an error. It has no headers of the handler. @see RFC 9457 */
export function problemResponse(http: HttpRequest, error: unknown, limits: Readonly<Record<string, string>>): Response {
  const { status, headers, body } = http.problem(error)
  return documentResponse(http, { status, headers: { ...limits, ...headers }, body })
}

/** A refusal with its headers and body. */
interface RefusalDocument {
  readonly status: number
  readonly headers: Readonly<Record<string, string>>
  readonly body: Readonly<Record<string, unknown>>
}

/** The answer to a refused request. */
export function documentResponse(http: HttpRequest, { status, headers, body }: RefusalDocument): Response {
  const all = { Vary: 'Authorization', ...headers, 'X-Request-Id': http.requestId }
  return new Response(http.call.method === 'HEAD' ? null : JSON.stringify(body), { status, headers: all })
}

/** The handler's headers, together with the headers that every answer has. */
export function mergedHeaders(http: HttpRequest, given: Headers, limits: Readonly<Record<string, string>>): Headers {
  const headers = new Headers(given)
  for (const [name, value] of Object.entries(limits)) headers.set(name, value)
  if (!headers.has('Cache-Control')) headers.set('Cache-Control', CACHE_CONTROL)
  headers.set('Vary', varyByToken(headers.get('Vary') ?? undefined))
  headers.set('X-Request-Id', http.requestId)
  return headers
}
