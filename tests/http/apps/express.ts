import express, { type RequestHandler } from 'express'
import { NotFoundError } from '../../../src/errors.ts'
import {
  publicRoute,
  responseGuard,
  routePermissions,
  tenantContextMiddleware,
  tenantErrorHandler,
  tenantRateLimiter,
} from '../../../src/middleware/express.ts'
import { serve } from '../../setup/wall.ts'
import { type Route, routesOf, type Setting, shared, textOf } from '../application.ts'
import { askedOf, sendAnswer } from './node-parts.ts'

export function serveExpress(setting: Setting): Promise<string> {
  const { wall } = setting
  const { agreement, guard } = shared(wall)
  const app = express()
  app.use(tenantContextMiddleware(wall, { agreement, refuseBlocked: true }))
  for (const route of routesOf(setting)) {
    const verb = route.method === 'GET' ? 'get' : route.method === 'POST' ? 'post' : 'put'
    const { route: limit, permission, public: reason } = route.rule ?? {}
    const limiter = tenantRateLimiter({ limiter: wall.limiter, ...(limit === undefined ? {} : { route: limit }) })
    const demands: RequestHandler[] = []
    if (permission !== undefined) demands.push(routePermissions(wall.access).requirePermission(permission))
    if (reason !== undefined) demands.push(publicRoute(reason))
    app[verb](route.path, limiter, ...demands, responseGuard(guard), handlerOf(route))
  }
  app.use((_request, _response, next) => next(new NotFoundError('no such route')))
  app.use(tenantErrorHandler())
  return serve(app)
}

function handlerOf(route: Route): RequestHandler {
  return async (request, response) => {
    const params = Object.fromEntries(Object.entries(request.params).map(([name, value]) => [name, String(value)]))
    const answer = await route.handle(askedOf(request, response, params))
    const whole = textOf(answer)
    if (whole === undefined) await sendAnswer(response, answer)
    else
      response
        .status(answer.status ?? 200)
        .set(answer.headers ?? {})
        .type(whole.type)
        .send(whole.text)
  }
}
