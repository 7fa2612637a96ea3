import type { NextFunction, Request, RequestHandler, Response } from 'express'

/**
 * Hands what an async handler throws to `next`: Express 4 loses it, and the client would wait for ever. Express 5 needs it not, and
 * bears it.
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
