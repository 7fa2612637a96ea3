import { randomBytes, scryptSync } from 'node:crypto'
import express from 'express'
import type pg from 'pg'
import { beforeAll, describe, expect, it } from 'vitest'
import { runWithoutTenant } from '../../src/context/run-with-tenant.ts'
import { createEntryPool } from '../../src/database/index.ts'
import { asyncRoute, tenantContextMiddleware, tenantErrorHandler } from '../../src/middleware/express.ts'
import type { Partywall } from '../../src/partywall.ts'
import { afterFile } from '../setup/after-file.ts'
import { createTestTenant, type TestTenant } from '../setup/database.ts'
import { createTestWall, serve } from '../setup/wall.ts'
import { sessionAuth, signIn, signOut } from './login.ts'
import { type Guide, openGuide } from './open-guide.ts'

describe('the guide to sign-in', () => {
  let guide: Guide
  let entryPool: pg.Pool
  let wall: Partywall
  let origin: string
  let a: TestTenant
  let b: TestTenant

  beforeAll(async () => {
    guide = await openGuide('login', { roles: ['shop_entry'] })
    entryPool = createEntryPool({ connectionString: guide.urlOf('shop_entry') })
    afterFile(() => entryPool.end())
    ;({ wall } = await createTestWall(guide, { auth: sessionAuth(entryPool) }))
    a = await createTestTenant(guide)
    b = await createTestTenant(guide)
    for (const [tenant, password] of [
      [a, 'secret of a'],
      [b, 'secret of b'],
    ] as const) {
      const salt = randomBytes(16)
      await guide.admin('update users set password_salt = $1, password_hash = $2 where id = $3', [
        salt,
        scryptSync(password, salt, 32),
        tenant.userId,
      ])
    }
    const app = express()
    app.use(tenantContextMiddleware(wall))
    app.get(
      '/documents',
      asyncRoute(async (_request, response) => {
        response.json((await wall.pool.query('select id from documents')).rows)
      }),
    )
    origin = await serve(app.use(tenantErrorHandler()))
  })

  const ask = (token: string) => fetch(`${origin}/documents`, { headers: { authorization: `Bearer ${token}` } })
  const tokenOf = async (tenant: TestTenant, password: string) => {
    const token = await signIn(entryPool, tenant.key, 'owner@example.com', password)
    if (token === undefined) throw new Error('signIn refused')
    return token
  }

  it('signs users in, although their addresses are the same in both tenants, and shows each their own rows', async () => {
    expect(await (await ask(await tokenOf(a, 'secret of a'))).json()).toEqual([{ id: a.documentId }])
    expect(await (await ask(await tokenOf(b, 'secret of b'))).json()).toEqual([{ id: b.documentId }])
  })

  it.each([
    ['the password of another tenant', () => signIn(entryPool, a.key, 'owner@example.com', 'secret of b')],
    ['an unknown address', () => signIn(entryPool, a.key, 'nobody@example.com', 'secret of a')],
    ['an unknown company', () => signIn(entryPool, 'nobody', 'owner@example.com', 'secret of a')],
  ])('refuses %s', async (_what, attempt) => {
    expect(await attempt()).toBeUndefined()
  })

  it('refuses a session that was signed out, and one that has ended', async () => {
    const token = await tokenOf(a, 'secret of a')
    expect((await ask(token)).status).toBe(200)
    await signOut(wall, entryPool, token)
    expect((await ask(token)).status).toBe(401)
    const other = await tokenOf(a, 'secret of a')
    await guide.admin("update sessions set ends_at = now() - interval '1 second'")
    expect((await ask(other)).status).toBe(401)
    const auth = sessionAuth(entryPool)
    const call = { signal: AbortSignal.timeout(5_000) }
    expect('verify' in auth && (await auth.verify(other, call))).toBeUndefined()
  })

  it('signs nobody in to a suspended tenant', async () => {
    await guide.admin("update tenants set status = 'suspended' where id = $1", [b.id])
    expect(await signIn(entryPool, b.key, 'owner@example.com', 'secret of b')).toBeUndefined()
    await guide.admin("update tenants set status = 'active' where id = $1", [b.id])
  })

  it('refuses the look-up on the tenant pool, and shows nothing inside runWithoutTenant', async () => {
    await expect((async () => wall.pool.query('select email from users'))()).rejects.toMatchObject({
      code: 'PARTYWALL_CONTEXT_MISSING',
    })
    expect((await runWithoutTenant(() => wall.pool.query('select email from users'))).rows).toEqual([])
  })

  it('gives the entry login nothing but the columns that sign-in needs', async () => {
    for (const text of ['select title from documents', 'select name from users', "update users set role = 'owner'"])
      await expect(entryPool.query(text)).rejects.toMatchObject({ code: '42501' })
  })

  it('gives the application no right on the sessions', async () => {
    const read = () => wall.pool.query('select token_hash from sessions')
    await expect(runWithoutTenant(read)).rejects.toMatchObject({ code: '42501' })
  })

  it('adds no finding of verify, and a policy for everybody is one', async () => {
    expect(await guide.findings()).toEqual([])
    await guide.admin('grant select on sessions to tenant_user; create policy p on sessions for select using (true)')
    expect((await guide.findings()).join()).toContain('critical policy-always-true public.sessions')
  })
})
