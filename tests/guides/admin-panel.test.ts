import express from 'express'
import pg from 'pg'
import { beforeAll, describe, expect, it } from 'vitest'
import { runWithTenant } from '../../src/context/run-with-tenant.ts'
import { AuthenticationError } from '../../src/errors.ts'
import { asyncRoute, tenantContextMiddleware, tenantErrorHandler } from '../../src/middleware/express.ts'
import type { Partywall } from '../../src/partywall.ts'
import { afterFile } from '../setup/after-file.ts'
import { createTestTenant, type TestTenant } from '../setup/database.ts'
import type { TestIssuer } from '../setup/issuer.ts'
import { createTestWall, serve } from '../setup/wall.ts'
import { adminPanel } from './admin-panel.ts'
import { type Guide, openGuide } from './open-guide.ts'

describe('the guide to admin panels', () => {
  let guide: Guide
  let adminPool: pg.Pool
  let wall: Partywall
  let issuer: TestIssuer
  let origin: string
  let a: TestTenant
  let b: TestTenant

  beforeAll(async () => {
    guide = await openGuide('admin-panel', { roles: ['shop_admin'] })
    adminPool = new pg.Pool({ connectionString: guide.urlOf('shop_admin') })
    afterFile(() => adminPool.end())
    ;({ wall, issuer } = await createTestWall(guide))
    await wall.ready()
    a = await createTestTenant(guide)
    b = await createTestTenant(guide)
    const staffOf = (request: express.Request) => {
      const staff = request.get('X-Staff')
      if (staff === undefined) throw new AuthenticationError('Sign in as staff.')
      return staff
    }
    const app = express()
    app.use('/admin', adminPanel({ wall, adminPool, staffOf }))
    app.use(tenantContextMiddleware(wall))
    app.get(
      '/documents',
      asyncRoute(async (_request, response) => {
        response.json((await wall.pool.query('select id from documents')).rows)
      }),
    )
    origin = await serve(app.use(tenantErrorHandler()))
  })

  const staff = { 'x-staff': 'sam@shop.example', 'x-reason': 'ticket 4711' }
  const ask = (path: string, headers: Record<string, string> = staff, method = 'GET') =>
    fetch(`${origin}/admin${path}`, { headers, method })

  it('shows the tenants, and the documents of one of them', async () => {
    const tenants: unknown = await (await ask('/tenants')).json()
    const both = [a, b].map(({ id }) => expect.objectContaining({ id, status: 'active' }))
    expect(tenants).toEqual(expect.arrayContaining(both))
    expect(tenants).toHaveLength(2)
    const documents = await (await ask(`/tenants/${a.id}/documents`)).json()
    expect(documents).toEqual([{ id: a.documentId, title: 'First document' }])
  })

  it("writes each visit into partywall.crossings and into the tenant's own audit log", async () => {
    const { rows } = await guide.admin('select actor, reason from partywall.crossings')
    expect(rows).toContainEqual({ actor: 'sam@shop.example', reason: 'ticket 4711' })
    const events = await runWithTenant({ tenantId: a.id, userId: a.userId, roles: ['owner'] }, async () =>
      wall.audit?.query({ action: 'STAFF_ACCESS' }),
    )
    expect(JSON.stringify(events)).toContain('sam@shop.example')
  })

  it('refuses people who are no staff, and staff who give no reason', async () => {
    expect((await ask('/tenants', {})).status).toBe(401)
    expect((await ask('/tenants', { 'x-staff': 'sam@shop.example' })).status).toBe(400)
  })

  it('refuses to write in a visit, and to visit out of a request', async () => {
    const visit = { tenantId: a.id, actor: 'sam', reason: 'ticket 4711', expiresIn: '5m' } as const
    const write = () => wall.pool.query("update documents set title = 'x'")
    await expect(wall.actAs(visit, write)).rejects.toMatchObject({ code: '25006' })
    await expect(
      runWithTenant({ tenantId: b.id, userId: b.userId, roles: [] }, async () => wall.actAs(visit, write)),
    ).rejects.toMatchObject({ code: 'PARTYWALL_TENANT_ISOLATION' })
  })

  it('suspends a tenant, whose next request is refused; the other tenant goes on', async () => {
    const tokens = await Promise.all([a, b].map(({ key }) => issuer.sign({ claims: { org_id: key } })))
    const statuses = () =>
      Promise.all(
        tokens.map(async (token) => {
          const { status } = await fetch(`${origin}/documents`, { headers: { authorization: `Bearer ${token}` } })
          return status
        }),
      )
    expect(await statuses()).toEqual([200, 200])
    expect((await ask(`/tenants/${a.id}/suspend`, staff, 'POST')).status).toBe(204)
    await expect.poll(statuses, { timeout: 6_000 }).toEqual([403, 200])
  })

  it('gives the admin login nothing but the status of tenants', async () => {
    for (const text of ['select title from documents', "update tenants set tier = 'pro'", 'delete from tenants'])
      await expect(adminPool.query(text)).rejects.toMatchObject({ code: '42501' })
  })

  it('adds no finding of verify', async () => {
    expect(await guide.findings()).toEqual([])
  })
})
