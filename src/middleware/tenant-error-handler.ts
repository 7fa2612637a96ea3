import type { ErrorRequestHandler, Request, Response } from 'express'
import { newRequestId } from '../context/request-id.ts'
import { databaseRefusal } from '../repository/database-refusal.ts'
import { problemOf } from './problem.ts'
import { requestState } from './request-state.ts'

/** Headers that a handler may have set before it failed. Some of them reveal facts about a row, so they are removed. */
const CONTENT_HEADERS = [
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

/**
 * Answers errors as problem documents without details: no tenant, no SQL, no name of the schema, no stack. Mount it last.
 *
 * Errors of PostgreSQL from a handler's own SQL are translated as in a repository. Errors that are not refusals are logged.
 *
 * @see RFC 9457
 */
export function tenantErrorHandler(): ErrorRequestHandler {
  return (error, request, response, next) => {
    // The tenant was suspended and an answer was sent already, or the client has disconnected.
    if (response.writableEnded) return
    if (response.headersSent) {
      log(request, error)
      return next(error)
    }
    answerProblem(request, response, error)
  }
}

/** Answers one error on an Express response whose headers were not sent yet. */
export function answerProblem(request: Request, response: Response, thrown: unknown): void {
  const error = databaseRefusal(thrown)
  const state = requestState(request)
  const problem = problemOf(error, state?.requestId ?? newRequestId())
  if (problem.status >= 500) log(request, thrown)
  for (const name of CONTENT_HEADERS) response.removeHeader(name)
  response.statusCode = problem.status
  for (const [name, value] of Object.entries(problem.headers))
    if (!response.hasHeader(name)) response.setHeader(name, value)
  response.setHeader('Cache-Control', 'no-store')
  response.setHeader('Content-Type', 'application/problem+json; charset=utf-8')
  // Not response.json(): it would add an ETag.
  const body = JSON.stringify(problem.body)
  response.setHeader('Content-Length', Buffer.byteLength(body))
  response.end(request.method === 'HEAD' ? undefined : body)
}

function log(request: Request, error: unknown): void {
  const state = requestState(request)
  state?.wall.logger.error(
    {
      requestId: state.requestId,
      tenantId: request.tenantContext?.tenantId,
      error: error instanceof Error ? { name: error.name, message: error.message, stack: error.stack } : undefined,
      cause: error instanceof Error ? causeOf(error) : undefined,
    },
    'a request failed',
  )
}

/**
 * The cause of a refusal, for the log. The message of the refusal alone does not say which server was down, or which function is missing.
 */
function causeOf({ cause }: Error): object | undefined {
  if (!(cause instanceof Error)) return undefined
  const code: unknown = 'code' in cause ? cause.code : undefined
  // PostgreSQL quotes values in its messages about data (classes 22 and 23).
  const quotesValues = typeof code === 'string' && /^2[23]/.test(code)
  return { name: cause.name, code, message: quotesValues ? undefined : cause.message }
}
