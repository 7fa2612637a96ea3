import type { IncomingMessage } from 'node:http'
import { NotFoundError } from '../../../src/errors.ts'
import { tenantListener } from '../../../src/middleware/node.ts'
import { serve } from '../../setup/wall.ts'
import { matchRoute, routesOf, type Setting, shared } from '../application.ts'
import { askedOf, sendAnswer } from './node-parts.ts'

export function serveNode(setting: Setting): Promise<string> {
  const routes = routesOf(setting)
  const find = (method: string | undefined, url: string | undefined) =>
    matchRoute(routes, method ?? 'GET', (url ?? '/').split('?')[0] ?? '/')
  const rule = ({ method, url }: IncomingMessage) => find(method, url)?.route.rule ?? {}
  const listener = tenantListener(setting.wall, { ...shared(setting.wall), rule }, async (request, response) => {
    const found = find(request.method, request.url)
    if (found === undefined) throw new NotFoundError('no such route')
    await sendAnswer(response, await found.route.handle(askedOf(request, response, found.params)))
  })
  return serve(listener)
}
