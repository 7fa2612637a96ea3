import type { NextFunction, Request, RequestHandler, Response } from 'express'

/**
 * Passes a rejection of an async handler to `next`. Express 4 ignores the rejection, and the client would wait for ever. Express 5 passes
 * rejections on without it, and works with this function too.
 *
 * @example
 * ```ts
 * app.get('/documents/:id', asyncRoute(async (request, response) => { … }))
 * ```
 */
export function asyncRoute(
  handler: (request: Request, response: Response, next: NextFunction) => unknown,
): RequestHandler {
  return (request, response, next) => {
    try {
      Promise.resolve(handler(request, response, next)).catch(next)
    } catch (error) {
      next(error)
    }
  }
}
