import express, { type Express } from 'express'
import express4 from 'express-4'
import { beforeAll, describe, expect, it } from 'vitest'
import { createAccessControl } from '../../src/access/access-control.ts'
import { silentLogger } from '../../src/logger/logger.ts'
import { asyncRoute } from '../../src/middleware/async-route.ts'
import { findUndeclaredRoutes } from '../../src/middleware/find-undeclared-routes.ts'
import { publicRoute, routePermissions } from '../../src/middleware/require-permission.ts'
import { tenantContextMiddleware } from '../../src/middleware/tenant-context.ts'
import { tenantErrorHandler } from '../../src/middleware/tenant-error-handler.ts'
import type { Partywall } from '../../src/partywall.ts'
import { codeOf } from '../guards/context.ts'
import { createTestDatabase, createTestTenant, type TestDatabase, type TestTenant } from '../setup/database.ts'
import type { TestIssuer } from '../setup/issuer.ts'
import { createTestWall, serve } from '../setup/wall.ts'

const frameworks = [
  ['Express 5', express],
  ['Express 4', express4],
] as const

const roles = {
  owner: ['*'],
  editor: ['documents:*'],
  member: ['documents:read', { permission: 'documents:update', when: isOwn }],
  nobody: [],
} as const

function isOwn(context: { readonly userId: string }, object: object): boolean {
  return Reflect.get(object, 'created_by') === context.userId
}

/** Route, permission, and which of the roles have it; `ghost` is a role that nobody defined. */
const matrix = [
  ['GET', '/documents', ['owner', 'editor', 'member']],
  ['POST', '/documents', ['owner', 'editor']],
  ['DELETE', '/documents/own', ['owner', 'editor']],
  ['PATCH', '/documents/own', ['owner', 'editor', 'member']],
  ['PATCH', '/documents/other', ['owner', 'editor']],
  ['GET', '/billing', ['owner']],
  ['GET', '/ping', ['owner', 'editor', 'member', 'nobody', 'ghost']],
  ['GET', '/pro', []],
] as const
const cases = matrix.flatMap(([method, path, allowed]) =>
  ['owner', 'editor', 'member', 'nobody', 'ghost'].map(
    (role) => [role, method, path, allowed.some((name) => name === role)] as const,
  ),
)

describe.each(frameworks)('requirePermission on %s', (_name, framework) => {
  let database: TestDatabase
  let wall: Partywall
  let issuer: TestIssuer
  let a: TestTenant
  let app: Express
  let url: string
  let handled = 0

  beforeAll(async () => {
    database = await createTestDatabase()
    ;({ wall, issuer } = await createTestWall(database))
    a = await createTestTenant(database)
    const access = createAccessControl({ roles, events: wall.events, logger: silentLogger })
    const { requirePermission, requireTier } = routePermissions(access)
    const done = asyncRoute(async (_request, response) => {
      handled++
      const { rows } = await wall.pool.query('select count(*)::integer as documents from documents')
      response.json(rows[0])
    })
    app = framework()
    app.use(tenantContextMiddleware(wall))
    const documents = framework.Router()
    const object = async (request: { params: Record<string, unknown> }) => ({
      created_by: request.params['id'] === 'own' ? a.userId : 'somebody else',
    })
    documents.get('/', requirePermission('documents:read'), done)
    documents.post('/', requirePermission('documents:create'), done)
    documents.delete('/:id', requirePermission('documents:delete'), done)
    documents.patch('/:id', requirePermission('documents:update', { object }), done)
    app.use('/documents', documents)
    app.get('/billing', requirePermission('billing:read'), done)
    app.get('/ping', publicRoute('tells only that the API is up'), done)
    app.get('/pro', publicRoute('decided by tier alone'), requireTier('pro'), done)
    app.use(tenantErrorHandler())
    url = await serve(app)
  })

  it.each(cases)('as %s: %s %s is allowed: %s', async (role, method, path, allowed) => {
    const token = await issuer.sign({ claims: { org_id: a.key, sub: a.userId, roles: [role] } })
    const before = handled
    const response = await fetch(`${url}${path}`, { method, headers: { authorization: `Bearer ${token}` } })
    const body = await response.json()
    expect(response.status).toBe(allowed ? 200 : 403)
    expect(handled - before).toBe(allowed ? 1 : 0)
    if (!allowed) {
      expect(body).toMatchObject({ code: 'PARTYWALL_PERMISSION_DENIED' })
      expect(JSON.stringify(body)).not.toMatch(/documents:|role|tier/)
    }
  })

  it('is narrowed by the permissions of the token', async () => {
    const claims = { org_id: a.key, sub: a.userId, roles: ['owner'], permissions: ['documents:read'] }
    const headers = { authorization: `Bearer ${await issuer.sign({ claims })}` }
    expect((await fetch(`${url}/documents`, { headers })).status).toBe(200)
    expect((await fetch(`${url}/billing`, { headers })).status).toBe(403)
  })

  it('leaves no route of this application undeclared', () => {
    const report = findUndeclaredRoutes(app)
    expect(report.undeclared).toEqual([])
    expect(report.routes).toHaveLength(7)
    expect(report.routes).toContainEqual(
      expect.objectContaining({ method: 'GET', path: '/billing', declared: { permission: 'billing:read' } }),
    )
  })
})

describe.each(frameworks)('findUndeclaredRoutes on %s', (_name, framework) => {
  const { requirePermission } = routePermissions(createAccessControl({ roles: {}, logger: silentLogger }))
  const handler = (_request: unknown, response: { end(): void }) => response.end()
  const paths = (app: Express) => findUndeclaredRoutes(app).undeclared.map(({ method, path }) => `${method} ${path}`)

  it('finds a new route that nobody declared, also in a router and behind another method', () => {
    const app = framework()
    app.get('/declared', requirePermission('documents:read'), handler)
    app.get('/new', handler)
    app.all('/any', handler)
    app.route('/both').get(requirePermission('documents:read'), handler).post(handler)
    const router = framework.Router()
    router.put('/inner', handler)
    app.use('/things', router)
    const found = paths(app)
    expect(found.slice(0, 3)).toEqual(['GET /new', 'ALL /any', 'POST /both'])
    expect(found[3]).toMatch(/^PUT \/(things|…)\/inner$/)
    expect(found).toHaveLength(4)
  })

  it('does not count a declaration behind the handler that answers', () => {
    const app = framework()
    app.get('/late', handler, requirePermission('documents:read'))
    expect(paths(app)).toEqual(['GET /late'])
  })

  it('counts a declaration on the router for what comes behind it, and on a path for nothing', () => {
    const app = framework()
    const router = framework.Router()
    router.get('/before', handler)
    router.use(requirePermission('admin:use'))
    router.get('/behind', handler)
    app.use(router)
    app.use('/some', requirePermission('admin:use'))
    app.get('/some/route', handler)
    expect(paths(app)).toEqual(['GET /before', 'GET /some/route'])
  })

  it('counts a mounted application as undeclared, since it can’t be looked into', () => {
    const app = framework()
    const inner = framework()
    inner.get('/x', requirePermission('documents:read'), handler)
    app.use('/inner', inner)
    expect(paths(app)).toHaveLength(1)
    expect(paths(inner)).toEqual([])
  })

  it('proves nothing where there is nothing to walk', () => {
    expect(codeOf(() => findUndeclaredRoutes(framework()))).toBe('PARTYWALL_CONFIGURATION')
    expect(codeOf(() => findUndeclaredRoutes({}))).toBe('PARTYWALL_CONFIGURATION')
  })
})

describe('routePermissions', () => {
  it('refuses a wall that has no access control, before any route exists', () => {
    expect(() => routePermissions(undefined)).toThrow(/createPartywall\(\{ access/)
  })
})

describe('publicRoute', () => {
  it('demands a reason', () => {
    expect(codeOf(() => publicRoute('ok'))).toBe('PARTYWALL_CONFIGURATION')
  })
})
