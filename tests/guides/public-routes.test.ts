import express from 'express'
import pg from 'pg'
import { beforeAll, describe, expect, it } from 'vitest'
import { tenantContextMiddleware, tenantErrorHandler } from '../../src/middleware/express.ts'
import type { Partywall } from '../../src/partywall.ts'
import { afterFile } from '../setup/after-file.ts'
import { createTestTenant, type TestTenant } from '../setup/database.ts'
import { createTestWall, serve } from '../setup/wall.ts'
import { type Guide, openGuide } from './open-guide.ts'
import { publicPages } from './public-routes.ts'

describe('the guide to public routes', () => {
  let guide: Guide
  let publicPool: pg.Pool
  let wall: Partywall
  let origin: string
  let a: TestTenant
  let b: TestTenant

  beforeAll(async () => {
    guide = await openGuide('public-routes', { roles: ['shop_public'] })
    publicPool = new pg.Pool({ connectionString: guide.urlOf('shop_public') })
    afterFile(() => publicPool.end())
    ;({ wall } = await createTestWall(guide))
    a = await createTestTenant(guide)
    b = await createTestTenant(guide)
    const app = express()
    app.use('/p', publicPages(publicPool))
    app.use(tenantContextMiddleware(wall))
    origin = await serve(app.use(tenantErrorHandler()))
  })
  const publish = (tenant: TestTenant, at: string | null) =>
    guide.admin('update documents set published_at = $1::timestamptz where id = $2', [at, tenant.documentId])
  const status = async (company: string, document: string) => (await fetch(`${origin}/p/${company}/${document}`)).status

  it('shows a published document without a token', async () => {
    await publish(a, '2026-01-01')
    const answer = await fetch(`${origin}/p/${a.key}/${a.documentId}`)
    expect(await answer.json()).toEqual({ title: 'First document', body: `secret of ${a.key}` })
  })

  it('answers the same for what is not published, what is published later, and what does not exist', async () => {
    expect(await status(b.key, b.documentId)).toBe(404)
    await publish(b, '2100-01-01')
    expect(await status(b.key, b.documentId)).toBe(404)
    expect(await status(a.key, b.documentId)).toBe(404)
    expect(await status('nobody', 'nothing')).toBe(404)
  })

  it('shows nothing of a suspended tenant', async () => {
    await guide.admin("update tenants set status = 'suspended' where id = $1", [a.id])
    expect(await status(a.key, a.documentId)).toBe(404)
    expect((await publicPool.query('select id from documents')).rows).toEqual([])
    await guide.admin("update tenants set status = 'active' where id = $1", [a.id])
    expect(await status(a.key, a.documentId)).toBe(200)
  })

  it('shows the login of public pages no unpublished row, whatever its SQL asks', async () => {
    const { rows } = await publicPool.query('select id from documents')
    expect(rows).toEqual([{ id: a.documentId }])
    for (const text of [
      'select * from documents',
      'select created_by from documents',
      'select email from users',
      'delete from documents',
    ])
      await expect(publicPool.query(text)).rejects.toMatchObject({ code: '42501' })
  })

  it('still refuses all other routes without a token', async () => {
    expect((await fetch(`${origin}/documents`)).status).toBe(401)
  })

  it('adds no finding of verify', async () => {
    expect(await guide.findings()).toEqual([])
  })
})
