import type { IncomingMessage, ServerResponse } from 'node:http'
import type { HttpRequest } from '../http-request.ts'
import { failureProblem } from '../problem.ts'

/** Headers that a handler may have set before it failed. Some of them reveal facts about a row, so they are removed. */
export const CONTENT_HEADERS = [
  'ETag',
  'Last-Modified',
  'Content-Length',
  'Content-Encoding',
  'Content-Disposition',
  'Content-Language',
  'Content-Location',
  'Content-Range',
  'Accept-Ranges',
  'Location',
  'Link',
  'Expires',
]

/** Headers that a problem replaces. All others are set only if the answer has none. */
const OWN_HEADERS = new Set(['Cache-Control', 'Content-Type'])

/**
 * Answers one error on a response whose headers were not sent yet.
 *
 * @param http undefined if the request was never opened; then nothing is logged
 * @see RFC 9457
 */
export function answerProblem(
  http: HttpRequest | undefined,
  request: IncomingMessage,
  response: ServerResponse,
  thrown: unknown,
): void {
  const problem = failureProblem(thrown, http)
  for (const name of CONTENT_HEADERS) response.removeHeader(name)
  response.statusCode = problem.status
  for (const [name, value] of Object.entries(problem.headers))
    if (OWN_HEADERS.has(name) || !response.hasHeader(name)) response.setHeader(name, value)
  const body = JSON.stringify(problem.body)
  response.setHeader('Content-Length', Buffer.byteLength(body))
  response.end(request.method === 'HEAD' ? undefined : body)
}
