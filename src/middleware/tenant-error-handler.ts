import type { ErrorRequestHandler } from 'express'
import { answerProblem } from '../http/node/answer-problem.ts'
import { openedRequest } from '../http/node/exchange.ts'
import { logFailure } from '../http/problem.ts'

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
    const http = openedRequest(request)
    if (response.headersSent) {
      if (http !== undefined) logFailure(http, error)
      return next(error)
    }
    // Not response.json(): it would add an ETag.
    answerProblem(http, request, response, error)
  }
}
