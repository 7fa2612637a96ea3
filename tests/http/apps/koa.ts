import { Readable } from 'node:stream'
import Koa from 'koa'
import { NotFoundError } from '../../../src/errors.ts'
import { type KoaContext, requirePermission, tenantContext } from '../../../src/middleware/koa.ts'
import { serve } from '../../setup/wall.ts'
import { matchRoute, routesOf, type Setting, shared, textOf } from '../application.ts'
import { askedOf, writeByHand } from './node-parts.ts'

export function serveKoa(setting: Setting): Promise<string> {
  const { wall } = setting
  const routes = routesOf(setting)
  const find = ({ method, path }: KoaContext) => matchRoute(routes, method, path)
  const app = new Koa()
  // The permission is checked by a middleware of the route, as with a router.
  const rule = (context: KoaContext) => ({ ...find(context)?.route.rule, permission: undefined })
  app.use(tenantContext(wall, { ...shared(wall), rule }))
  app.use(async (context, next) => {
    const permission = find(context)?.route.rule?.permission
    if (permission === undefined) await next()
    else await requirePermission(wall.access, permission)(context, next)
  })
  app.use(async (context) => {
    const found = find(context)
    if (found === undefined) throw new NotFoundError('no such route')
    const answer = await found.route.handle(askedOf(context.req, context.res, found.params))
    if (answer.byHand === true) {
      context.respond = false
      return writeByHand(context.res, answer)
    }
    const whole = textOf(answer)
    context.status = answer.status ?? 200
    context.set(answer.headers ?? {})
    context.type = whole?.type ?? answer.type ?? ''
    context.body = whole?.text ?? Readable.from(answer.stream ?? [])
  })
  return serve(app.callback())
}
