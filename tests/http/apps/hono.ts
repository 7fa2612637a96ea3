import { getConnInfo } from '@hono/node-server/conninfo'
import { Hono } from 'hono'
import { NotFoundError } from '../../../src/errors.ts'
import { requirePermission, tenantContext } from '../../../src/middleware/hono.ts'
import { matchRoute, routesOf, type Setting, shared } from '../application.ts'
import { askedOf, listen, responseOf } from './fetch-parts.ts'

export function serveHono(setting: Setting): Promise<string> {
  const { wall } = setting
  const routes = routesOf(setting)
  const app = new Hono()
  app.use(
    tenantContext(wall, {
      ...shared(wall),
      ip: (context) => getConnInfo(context).remote.address,
      // The permission is checked by a middleware of the route.
      rule: ({ req }) => ({ ...matchRoute(routes, req.method, req.path)?.route.rule, permission: undefined }),
    }),
  )
  for (const { method, path, rule, handle } of routes) {
    const permission = rule?.permission
    if (permission !== undefined) app.on(method, path, requirePermission(wall.access, permission))
    app.on(method, path, async ({ req }) => {
      const headers = new Headers()
      return responseOf(await handle(askedOf(req.raw, req.param(), headers)), headers)
    })
  }
  // Hono's own handler prints errors; the adapter answers them whatever this handler returns.
  app.onError((error) => new Response(error.message, { status: 500 }))
  app.notFound(() => {
    throw new NotFoundError('no such route')
  })
  return listen(app.fetch)
}
