// Server components and server actions of a built Next.js application, on a real port.
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { tryGetCurrentTenant } from '../../src/context/run-with-tenant.ts'
import { type NextTenantOptions, nextTenant } from '../../src/middleware/next.ts'
import type { Partywall } from '../../src/partywall.ts'
import { createTestDatabase, createTestTenant, type TestDatabase, type TestTenant } from '../setup/database.ts'
import type { TestIssuer } from '../setup/issuer.ts'
import { createTestWall } from '../setup/wall.ts'
import { startNext } from './apps/next.ts'

describe('partywall/next', () => {
  let database: TestDatabase
  let a: TestTenant
  let b: TestTenant
  let wall: Partywall
  let issuer: TestIssuer
  let url: string
  let admissions = 0
  const refusals: unknown[] = []
  const handlers = {
    route: async () => new Response('unused'),
    page: async (): Promise<unknown> => null,
    action: async (_data: FormData): Promise<unknown> => null,
  }

  beforeAll(async () => {
    database = await createTestDatabase()
    a = await createTestTenant(database)
    b = await createTestTenant(database)
    const made = await createTestWall(database, {
      database: { url: database.appUrl, max: 4, readOnlyOnSafeMethods: true },
      access: { roles: { admin: ['documents:*'], reader: ['documents:read'] } },
    })
    wall = made.wall
    issuer = made.issuer
    url = await startNext(handlers)
  })

  /** As an application does it: `headers` of next/headers, the session's cookie, and the wall. */
  function tenantOf(changes: Partial<NextTenantOptions> = {}) {
    const { cache, headers } = Reflect.get(globalThis, Symbol.for('partywall.tests.next-functions'))
    return nextTenant(
      {
        ...wall,
        admit(request) {
          admissions++
          return wall.admit(request)
        },
      },
      {
        headers,
        cache,
        guard: wall.guard,
        token: (given) => /(?:^|; )session=([^;]+)/.exec(given.get('cookie') ?? '')?.[1],
        onRefused: (error) => refusals.push(error),
        ...changes,
      },
    )
  }

  async function cookieOf(tenant: TestTenant, roles: readonly string[] = ['admin']): Promise<string> {
    return `session=${await issuer.sign({ claims: { org_id: tenant.key, sub: tenant.userId, roles } })}`
  }
  const page = async (tenant: TestTenant, roles?: readonly string[]) =>
    fetch(`${url}/page-of-tenant`, { headers: { cookie: await cookieOf(tenant, roles) } })
  const shown = (html: string) =>
    [...html.matchAll(/<pre id="(?:outer|inner)">(.*?)<\/pre>/g)].map(([, text]) =>
      JSON.parse((text ?? '').replaceAll('&quot;', '"')),
    )

  it('shows each tenant its own rows, in a component and in one inside it', async () => {
    handlers.page = () =>
      tenantOf().run(async ({ tenantId }) => {
        const { rows } = await wall.pool.query('select title from documents')
        return { tenantId, titles: rows.map(({ title }) => title), current: tryGetCurrentTenant()?.tenantId }
      })
    for (const tenant of [a, b]) {
      const before = admissions
      const [outer, inner] = shown(await (await page(tenant)).text())
      expect(outer).toMatchObject({ tenantId: tenant.id, current: tenant.id })
      expect(outer.titles).toHaveLength(1)
      expect(inner).toEqual(outer)
      // tenantOf() is made anew for each component here.
      expect(admissions).toBe(before + 2)
    }
    const both = await Promise.all(Array.from({ length: 40 }, (_, n) => page(n % 2 === 0 ? a : b)))
    for (const [n, answer] of both.entries())
      for (const each of shown(await answer.text())) expect(each.tenantId).toBe((n % 2 === 0 ? a : b).id)
  })

  it('admits a page once, whatever its components ask', async () => {
    const tenant = tenantOf()
    handlers.page = () => tenant.run(({ tenantId }) => tenantId)
    const before = admissions
    expect(shown(await (await page(a)).text())).toEqual([a.id, a.id])
    expect(shown(await (await page(b)).text())).toEqual([b.id, b.id])
    expect(admissions).toBe(before + 2)
  })

  it('lets components read only', async () => {
    const tenant = tenantOf()
    handlers.page = () => tenant.run(() => wall.pool.query("update documents set body = 'by a page'"))
    expect((await page(a)).status).toBe(500)
    const { rows } = await database.admin("select count(*)::int as n from documents where body = 'by a page'")
    expect(rows).toEqual([{ n: 0 }])
  })

  it('refuses without a token, without the permission, and foreign rows', async () => {
    const tenant = tenantOf()
    handlers.page = () => tenant.run(() => 'shown', { permission: 'documents:delete' })
    refusals.length = 0
    expect((await fetch(`${url}/page-of-tenant`)).status).toBe(500)
    expect((await page(a, ['reader'])).status).toBe(500)
    handlers.page = () => tenant.run(() => ({ tenant_id: b.id, title: 'of another tenant' }))
    const leaked = await page(a)
    expect(leaked.status).toBe(500)
    expect(await leaked.text()).not.toContain('of another tenant')
    expect(new Set(refusals.map((error) => Reflect.get(Object(error), 'code')))).toEqual(
      new Set(['PARTYWALL_AUTHENTICATION', 'PARTYWALL_PERMISSION_DENIED', 'PARTYWALL_TENANT_ISOLATION']),
    )
  })

  /** Sends the form of the page, as a browser without JavaScript does. */
  async function submit(tenant: TestTenant, title: string): Promise<Response> {
    handlers.page = async () => 'a page'
    const cookie = await cookieOf(tenant)
    const html = await (await fetch(`${url}/page-of-tenant`, { headers: { cookie } })).text()
    const name = /name="(\$ACTION_ID_[0-9a-f]+)"/.exec(html)?.[1]
    if (name === undefined) throw new Error(`the page has no action: ${html}`)
    const data = new FormData()
    data.append(name, '')
    data.append('title', title)
    return fetch(`${url}/page-of-tenant`, { method: 'POST', body: data, headers: { cookie, origin: url } })
  }

  it('runs an action for its own tenant, which may write', async () => {
    const tenant = tenantOf()
    handlers.action = tenant.action({ permission: 'documents:update' }, async (data: FormData) => {
      const { rows } = await wall.pool.query('update documents set title = $1 returning title', [data.get('title')])
      return rows
    })
    expect((await submit(a, 'renamed by an action')).status).toBe(200)
    const { rows } = await database.admin("select tenant_id from documents where title = 'renamed by an action'")
    expect(rows).toEqual([{ tenant_id: a.id }])
  })

  it('throws the meaning of a database error out of an action', async () => {
    const tenant = tenantOf()
    refusals.length = 0
    handlers.action = tenant.action({}, () =>
      wall.pool.query('insert into documents (tenant_id, project_id, title) values ($1, $2, $3)', [
        b.id,
        b.projectId,
        'x',
      ]),
    )
    expect((await submit(a, 'x')).status).toBe(500)
    expect(refusals.map((error) => Reflect.get(Object(error), 'code'))).toEqual(['PARTYWALL_TENANT_ISOLATION'])
  })

  it('stops an action whose tenant is suspended while it runs', async () => {
    const gone = await createTestTenant(database)
    const tenant = tenantOf()
    let running = false
    refusals.length = 0
    handlers.action = tenant.action({}, async () => {
      running = true
      await expect.poll(() => wall.tenants.isKnownInactive(gone.id), { timeout: 10_000 }).toBe(true)
      return 'late'
    })
    await wall.ready()
    await expect.poll(() => wall.tenants.listening, { timeout: 10_000 }).toBe(true)
    const answer = submit(gone, 'x')
    await expect.poll(() => running, { timeout: 10_000 }).toBe(true)
    await database.admin("update tenants set status = 'suspended' where id = $1", [gone.id])
    expect((await answer).status).toBe(500)
    expect(refusals.map((error) => Reflect.get(Object(error), 'code'))).toEqual(['PARTYWALL_TENANT_INACTIVE'])
  })

  it('names what is missing', () => {
    expect(() => nextTenant(wall, {} as never)).toThrow('next/headers')
    expect(() => tenantOf().action({ permission: '' }, () => 1)).toThrow('permission')
  })

  afterAll(() => Reflect.deleteProperty(globalThis, Symbol.for('partywall.tests.next-functions')))
})
