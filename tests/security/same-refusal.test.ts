// Every route of the example, taken from its own router: what a foreign row answers, and who may ask at all.
import { beforeAll, describe, expect, it } from 'vitest'
import { exampleAccess } from '../../examples/express-api/access.ts'
import { createExampleApi } from '../../examples/express-api/app.ts'
import { runWithTenant } from '../../src/context/run-with-tenant.ts'
import { findUndeclaredRoutes } from '../../src/middleware/express.ts'
import type { Partywall } from '../../src/partywall.ts'
import type { ApiAnswer } from '../../src/testing/test-api.ts'
import { type ExampleKit, type ExampleTenant, startExample, TenantTestHelper } from '../helpers/tenant-test-helper.ts'

const MISSING = '00000000-0000-4000-8000-000000000000'
/** The only headers that may tell two refusals apart. */
const VOLATILE = new Set(['date', 'x-request-id'])
const RESOURCES = ['documents', 'projects', 'users'] as const
type Resource = (typeof RESOURCES)[number]
const ROLES = ['owner', 'admin', 'member', 'viewer', 'ghost'] as const

let example: ExampleKit
let wall: Partywall
let a: ExampleTenant
let b: ExampleTenant

beforeAll(async () => {
  example = await startExample({ wall: () => ({ access: exampleAccess }) })
  wall = example.wall
  a = await TenantTestHelper.create('a')
  b = await TenantTestHelper.create('b')
})

const idOf = (tenant: ExampleTenant, resource: Resource) =>
  ({ documents: tenant.documentId, projects: tenant.projectId, users: tenant.userId })[resource]
const change = (resource: Resource) => (resource === 'documents' ? { title: 'x' } : { name: 'x' })

interface Route {
  readonly method: string
  readonly path: string
  /** The example's own table of rights, read by the test's eyes: resource and verb. */
  readonly permission: string | undefined
  readonly body?: object
}

/** The routes by hand; the first test compares them with the router, so that a new one can't be left out. */
const routes: readonly Route[] = [
  { method: 'GET', path: '/ping', permission: undefined },
  { method: 'GET', path: '/me', permission: undefined },
  { method: 'GET', path: '/projects/:id/documents', permission: 'documents:read' },
  { method: 'POST', path: '/projects/:id/documents', permission: 'documents:create', body: { title: 'x' } },
  ...RESOURCES.flatMap((resource): Route[] => {
    const body = resource === 'users' ? { name: 'x', email: 'x@x.example' } : change(resource)
    return [
      { method: 'GET', path: `/${resource}`, permission: `${resource}:read` },
      { method: 'GET', path: `/${resource}/count`, permission: `${resource}:read` },
      { method: 'GET', path: `/${resource}/:id`, permission: `${resource}:read` },
      { method: 'POST', path: `/${resource}`, permission: `${resource}:create`, body },
      { method: 'POST', path: `/${resource}/bulk`, permission: `${resource}:create`, body: [] },
      { method: 'PUT', path: `/${resource}/:id`, permission: `${resource}:update`, body: change(resource) },
      { method: 'PATCH', path: `/${resource}/:id`, permission: `${resource}:update`, body: change(resource) },
      { method: 'DELETE', path: `/${resource}/:id`, permission: `${resource}:delete` },
    ]
  }),
]

function visible({ status, headers, body }: ApiAnswer): unknown {
  const kept = [...headers].filter(([name]) => !VOLATILE.has(name))
  return { status, kept, body: body !== null && typeof body === 'object' ? { ...body, instance: '' } : body }
}

const resourceOf = (path: string): Resource => RESOURCES.find((each) => path.startsWith(`/${each}`)) ?? 'documents'

describe('every route of the example', () => {
  it('is in the list of this file, with the permission that it declares', () => {
    const { routes: found, undeclared } = findUndeclaredRoutes(createExampleApi(wall))
    expect(undeclared).toEqual([])
    // Express 5 does not know where a router is mounted: the rest of the path and the permission tell it.
    const shown = (method: string, path: string, permission: string | undefined) =>
      `${method} ${path} ${permission ?? '-'}`
    const mounted = ({ path }: Route) =>
      RESOURCES.some((each) => path.startsWith(`/${each}`)) ? path.replace(/^\/\w+/, '/…') : path
    const listed = routes.map((route) => shown(route.method, mounted(route), route.permission).replace('/… ', '/…/ '))
    const known = found.map(({ method, path, declared }) =>
      shown(method, path, declared !== undefined && 'permission' in declared ? declared.permission : undefined),
    )
    expect(known.sort()).toEqual(listed.sort())
  })

  it('fails the walk when it is new and declares nothing', () => {
    const app = createExampleApi(wall)
    app.get('/new', (_request, response) => void response.json([]))
    expect(findUndeclaredRoutes(app).undeclared).toEqual([{ method: 'GET', path: '/new' }])
  })

  const withId = routes.filter(({ path }) => path.includes(':id'))
  const asked = withId.flatMap((route) => (route.method === 'GET' ? [route, { ...route, method: 'HEAD' }] : [route]))
  it.each(asked.flatMap((route) => ROLES.map((role) => [route.method, route.path, role, route] as const)))(
    '%s %s as %s answers a foreign row as a missing one',
    async (method, path, role, { body }) => {
      const token = await a.token({ roles: [role] })
      const ask = (id: string) => a.api.request(method, path.replace(':id', id), { token, body })
      const foreign = await ask(idOf(b, resourceOf(path)))
      expect([403, 404]).toContain(foreign.status)
      if (role === 'owner') expect(foreign.status).toBe(404)
      expect(visible(foreign)).toEqual(visible(await ask(MISSING)))
      expect(visible(foreign)).toEqual(visible(await ask('not-an-id')))
    },
  )

  it.each([
    ['POST', '/documents', (id: string) => ({ title: 'x', project_id: id })],
    ['POST', '/documents/bulk', (id: string) => [{ title: 'x' }, { title: 'y', project_id: id }]],
    ['PATCH', '/documents/own', (id: string) => ({ project_id: id })],
    ['POST', '/projects', (id: string) => ({ name: `p ${id}`, owner_id: id })],
    ['POST', '/projects/bulk', (id: string) => [{ name: `q ${id}`, owner_id: id }]],
  ] as const)('%s %s answers a reference to a foreign row as to a missing one', async (method, path, body) => {
    const foreignId = path.startsWith('/documents') ? b.projectId : b.userId
    const ask = (id: string) => a.api.request(method, path.replace('own', a.documentId), { body: body(id) })
    const foreign = await ask(foreignId)
    expect(foreign.status).toBe(400)
    expect(visible(foreign)).toEqual(visible(await ask(MISSING)))
  })

  it.each(RESOURCES)('lists, counts and pages of /%s show no trace of foreign rows', async (resource) => {
    for (const query of [`?id=${idOf(b, resource)}`, `?id=${MISSING}`]) {
      expect((await a.api.get(`/${resource}${query}`)).body).toEqual({ items: [] })
      expect((await a.api.get(`/${resource}/count${query}`)).body).toEqual({ count: 0 })
    }
    const cursor = String((await b.api.get(`/documents?limit=1`)).body.nextCursor)
    const [foreign, madeUp] = [cursor, `${cursor.slice(0, -2)}AA`].map((after) =>
      a.api.get(`/${resource}?limit=1&after=${after}`),
    )
    const [one, other] = [await foreign, await madeUp]
    expect(one?.status).toBe(400)
    if (one !== undefined && other !== undefined) expect(visible(one)).toEqual(visible(other))
  })
})

describe('the matrix of routes, roles and verbs', () => {
  const granted: Record<string, readonly string[]> = Object.fromEntries(
    Object.entries(exampleAccess.roles).map(([role, grants]) => [role, grants.map(String)]),
  )
  const may = (role: string, permission: string) =>
    (granted[role] ?? []).some(
      (grant) => grant === '*' || grant === permission || grant === permission.replace(/\w+$/, '*'),
    )

  it.each(routes.flatMap((route) => ROLES.map((role) => [role, route.method, route.path, route] as const)))(
    '%s: %s %s',
    async (role, method, path, { permission, body }) => {
      const token = await a.token({ roles: [role] })
      const allowed = permission === undefined || may(role, permission)
      // A row that is not there: whoever may ask is told so, whoever may not learns nothing of it.
      const { status } = await a.api.request(method, path.replace(':id', MISSING), { token, body })
      if (allowed) expect([200, 201, 400, 404, 409]).toContain(status)
      else expect(status).toBe(403)
    },
  )

  const verbs = ['select', 'insert', 'update', 'delete'] as const
  it.each(RESOURCES.flatMap((table) => verbs.flatMap((verb) => ROLES.map((role) => [role, verb, table] as const))))(
    '%s: %s on %s by raw SQL, inside the own tenant and never outside',
    async (role, verb, table) => {
      const c = await TenantTestHelper.create('c')
      const column = table === 'documents' ? 'title' : 'name'
      const text = {
        select: `select tenant_id from ${table}`,
        insert: `insert into ${table} (${column}${table === 'users' ? ', email' : ''}) values ('m'${table === 'users' ? ", 'm@x'" : ''}) returning tenant_id`,
        update: `update ${table} set ${column} = ${column} returning tenant_id`,
        delete: `delete from ${table} returning tenant_id`,
      }[verb]
      const result = await wallQuery(c, role, text)
      // The database knows two levels; only deleting needs the higher one.
      if (verb === 'delete' && !may(role, `${table}:delete`)) expect(result).toBe('42501')
      else expect(result).toEqual([c.tenantId])
      const { rowCount } = await example.kit.admin(`select from ${table} where tenant_id = $1`, [b.tenantId])
      expect(rowCount).toBeGreaterThan(0)
    },
  )
})

/** The tenants whose rows a statement gave, or the code of its refusal. */
async function wallQuery(tenant: ExampleTenant, role: string, text: string): Promise<readonly string[] | string> {
  try {
    const { rows } = await runWithTenant({ ...tenant.context, roles: [role] }, () => wall.pool.query(text))
    return [...new Set(rows.map((row) => String(row.tenant_id)))]
  } catch (error) {
    return String(Reflect.get(Object(error), 'code'))
  }
}
