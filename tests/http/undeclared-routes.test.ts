// findUndeclaredRoutes for routers beside Express: tests/middleware has those of Express, tests/frameworks those of NestJS and Koa.
import fastify from 'fastify'
import { Hono } from 'hono'
import { beforeAll, describe, expect, it } from 'vitest'
import * as onFastify from '../../src/middleware/fastify.ts'
import * as onHono from '../../src/middleware/hono.ts'
import type { Partywall } from '../../src/partywall.ts'
import { createTestDatabase } from '../setup/database.ts'
import { createTestWall } from '../setup/wall.ts'

let wall: Partywall
beforeAll(async () => {
  const made = await createTestWall(await createTestDatabase(), { access: { roles: { admin: ['documents:*'] } } })
  wall = made.wall
})

const names = (routes: onHono.RouteReport['routes']) => routes.map(({ method, path }) => `${method} ${path}`)

describe('Hono', () => {
  const { findUndeclaredRoutes, publicRoute, requirePermission } = onHono
  const ok = () => new Response('ok')

  it('finds routes whose handler answers before a permission is asked', () => {
    const app = new Hono()
    app.use(onHono.tenantContext(wall))
    app.get('/declared', requirePermission(wall.access, 'documents:read'), ok)
    app.get('/public', publicRoute('tells only the time'), ok)
    app.get('/open', ok)
    app.post('/declared', ok)
    app.get('/behind', ok, requirePermission(wall.access, 'documents:read'))
    app.use('/admin/*', requirePermission(wall.access, 'documents:admin'))
    app.get('/admin/users', ok)
    app.get('/administration', ok)
    app.get('/early/users', ok)
    app.use('/early/*', requirePermission(wall.access, 'documents:admin'))
    app.all('/all', ok)
    const { routes, undeclared } = findUndeclaredRoutes(app)
    expect(names(undeclared)).toEqual([
      'GET /open',
      'POST /declared',
      'GET /behind',
      'GET /administration',
      'GET /early/users',
      'ALL /all',
    ])
    expect(routes.find(({ path }) => path === '/public')?.declared).toEqual({ reason: 'tells only the time' })
    expect(routes.find(({ path }) => path === '/admin/users')?.declared).toEqual({ permission: 'documents:admin' })
  })

  it('looks into mounted applications', () => {
    const inner = new Hono()
    inner.get('/open', ok)
    inner.get('/declared', requirePermission(wall.access, 'documents:read'), ok)
    const app = new Hono().route('/inner', inner)
    expect(names(findUndeclaredRoutes(app).undeclared)).toEqual(['GET /inner/open'])
  })

  it('proves nothing without a route', () => {
    expect(() => findUndeclaredRoutes(new Hono())).toThrow('there is no route')
  })
})

describe('Fastify', () => {
  it('finds routes that were added after the plugin, in its scope and below', async () => {
    const app = fastify()
    await app.register(onFastify.partywallPlugin, { wall })
    app.get('/declared', { config: { partywall: { permission: 'documents:read' } } }, () => 'ok')
    app.get('/public', { config: { partywall: { public: 'tells only the time' } } }, () => 'ok')
    app.route({ method: ['GET', 'POST'], url: '/open', handler: () => 'ok' })
    await app.register(async (inner) => void inner.get('/deep', () => 'ok'), { prefix: '/inner' })
    await app.ready()
    const { routes, undeclared } = onFastify.findUndeclaredRoutes(app)
    expect(names(undeclared)).toEqual(['GET /open', 'POST /open', 'GET /inner/deep'])
    expect(routes).toHaveLength(5)
    await app.close()
  })

  it('refuses undeclared routes when they are added, if asked to', async () => {
    const app = fastify()
    await app.register(onFastify.partywallPlugin, { wall, requireDeclarations: true })
    app.get('/declared', { config: { partywall: { permission: 'documents:read' } } }, () => 'ok')
    expect(() => app.get('/open', () => 'ok')).toThrow('GET /open: config.partywall: declare a permission')
    await app.close()
  })

  it('proves nothing where the plugin is not registered', () => {
    expect(() => onFastify.findUndeclaredRoutes(fastify())).toThrow('partywallPlugin is not registered')
  })
})

describe('the scope of Fastify’s plugin', () => {
  it('has routes that were added before it, and lets excluded requests through', async () => {
    const app = fastify()
    app.get('/before', () => 'ok')
    app.get('/health', () => 'ok')
    await app.register(onFastify.partywallPlugin, { wall, exclude: ({ url }) => url === '/health' })
    app.get('/after', () => 'ok')
    const status = async (url: string) => (await app.inject(url)).statusCode
    expect([await status('/before'), await status('/after'), await status('/health')]).toEqual([401, 401, 200])
    // Only the path itself is excluded.
    expect([await status('/health/'), await status('//health'), await status('/health?x')]).not.toContain(200)
    await app.close()
  })
})
