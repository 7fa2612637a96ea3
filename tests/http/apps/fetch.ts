import { NotFoundError } from '../../../src/errors.ts'
import { matchRoute, routesOf, type Setting, shared } from '../application.ts'
import { askedOf, listen, responseOf } from './fetch-parts.ts'

/** `wall.handle` without a framework. */
export function serveFetch(setting: Setting): Promise<string> {
  const { wall } = setting
  const routes = routesOf(setting)
  return listen((request) => {
    const found = matchRoute(routes, request.method, new URL(request.url).pathname)
    return wall.handle(request, { ...shared(wall), ip: '127.0.0.1', rule: found?.route.rule }, async () => {
      if (found === undefined) throw new NotFoundError('no such route')
      const headers = new Headers()
      return responseOf(await found.route.handle(askedOf(request, found.params, headers)), headers)
    })
  })
}
