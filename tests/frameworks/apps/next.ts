import { createServer } from 'node:http'
import { createRequire } from 'node:module'
import { fileURLToPath } from 'node:url'
import { NotFoundError } from '../../../src/errors.ts'
import { type NextTenant, nextTenant } from '../../../src/middleware/next.ts'
import { matchRoute, routesOf, type Setting, shared } from '../../http/application.ts'
import { askedOf, responseOf } from '../../http/apps/fetch-parts.ts'
import { afterFile } from '../../setup/after-file.ts'

const folder = fileURLToPath(new URL('../next-app', import.meta.url))

/** Serves the built application on loopback until the file's tests are over. */
export async function startNext(handlers: object): Promise<string> {
  Reflect.set(globalThis, Symbol.for('partywall.tests.next'), handlers)
  const next: typeof import('next').default = createRequire(import.meta.url)('next')
  const app = next({ dev: false, dir: folder, quiet: true, hostname: '127.0.0.1', port: 3000 })
  await app.prepare()
  const handle = app.getRequestHandler()
  const server = createServer((request, response) => void handle(request, response))
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  afterFile(async () => {
    server.closeAllConnections()
    server.close()
    await app.close()
  })
  const address = server.address()
  return `http://127.0.0.1:${typeof address === 'object' && address !== null ? address.port : 0}`
}

/** The routes of the shared suite as one route handler. */
export function serveNext(setting: Setting): Promise<string> {
  const { wall } = setting
  const routes = routesOf(setting)
  const tenant: NextTenant = nextTenant(wall, {
    ...shared(wall),
    headers: () => {
      throw new Error('route handlers have a request')
    },
    ip: () => '127.0.0.1',
  })
  const handlers = new Map(
    routes.map((route) => [
      route,
      tenant.route(route.rule ?? {}, async (request, params: Record<string, string>) => {
        const headers = new Headers()
        return responseOf(await route.handle(askedOf(request, params, headers)), headers)
      }),
    ]),
  )
  const missing = tenant.route({}, () => {
    throw new NotFoundError('no such route')
  })
  return startNext({
    route(request: Request) {
      const found = matchRoute(
        routes,
        request.method === 'HEAD' ? 'GET' : request.method,
        new URL(request.url).pathname,
      )
      const handler = found === undefined ? undefined : handlers.get(found.route)
      return handler === undefined ? missing(request, {}) : handler(request, found?.params ?? {})
    },
  })
}
