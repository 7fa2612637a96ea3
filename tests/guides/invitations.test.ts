import type pg from 'pg'
import { beforeAll, describe, expect, it } from 'vitest'
import { runWithTenant } from '../../src/context/run-with-tenant.ts'
import { createEntryPool } from '../../src/database/index.ts'
import type { Partywall } from '../../src/partywall.ts'
import { afterFile } from '../setup/after-file.ts'
import { createTestTenant, type TestTenant } from '../setup/database.ts'
import type { TestIssuer } from '../setup/issuer.ts'
import { createTestWall } from '../setup/wall.ts'
import { acceptInvitation, invite, removeMember } from './invitations.ts'
import { type Guide, openGuide } from './open-guide.ts'

describe('the guide to invitations', () => {
  let guide: Guide
  let entryPool: pg.Pool
  let wall: Partywall
  let issuer: TestIssuer
  let a: TestTenant
  let b: TestTenant

  beforeAll(async () => {
    guide = await openGuide('invitations', { roles: ['shop_entry'], protect: ['public.invitations'] })
    entryPool = createEntryPool({ connectionString: guide.urlOf('shop_entry') })
    afterFile(() => entryPool.end())
    ;({ wall, issuer } = await createTestWall(guide))
    a = await createTestTenant(guide)
    b = await createTestTenant(guide)
  })
  const as = <T>(tenant: TestTenant, fn: () => Promise<T>, roles = ['owner']) =>
    runWithTenant({ tenantId: tenant.id, userId: tenant.userId, roles }, fn)
  const members = (tenant: TestTenant) =>
    as(tenant, async () => (await wall.pool.query('select email, role from users order by email')).rows)

  it('makes the invited person a member of the tenant that invited, once', async () => {
    const token = await as(a, () => invite(wall, 'ann@example.com', 'member'))
    const { tenantId, userId } = await acceptInvitation(entryPool, token, 'Ann')
    expect(tenantId).toBe(a.id)
    expect(await members(a)).toContainEqual({ email: 'ann@example.com', role: 'member' })
    expect(await members(b)).toEqual([{ email: 'owner@example.com', role: 'owner' }])
    await expect(acceptInvitation(entryPool, token, 'Ann')).rejects.toMatchObject({ code: 'PARTYWALL_NOT_FOUND' })
    const claims = { sub: userId, org_id: a.key, roles: ['member'] }
    const old = await issuer.sign({ claims })
    expect(await wall.verifyToken(old)).toMatchObject({ userId })
    await as(a, () => removeMember(wall, userId))
    await expect
      .poll(() =>
        wall.verifyToken(old).then(
          () => 'accepted',
          () => 'refused',
        ),
      )
      .toBe('refused')
    expect(await members(a)).toEqual([{ email: 'owner@example.com', role: 'owner' }])
  })

  it('refuses an invitation that has ended, and one that nobody sent', async () => {
    const token = await as(a, () => invite(wall, 'late@example.com', 'admin'))
    await guide.admin("update invitations set ends_at = now() - interval '1 second'")
    for (const each of [token, 'a guess'])
      await expect(acceptInvitation(entryPool, each, 'X')).rejects.toMatchObject({ code: 'PARTYWALL_NOT_FOUND' })
    expect((await entryPool.query('delete from invitations')).rowCount).toBe(0)
  })

  it('removes no owner', async () => {
    await expect(as(a, () => removeMember(wall, a.userId))).rejects.toMatchObject({ code: 'PARTYWALL_NOT_FOUND' })
  })

  it('shows a tenant its own invitations alone, and lets it remove no member of another', async () => {
    await as(b, () => invite(wall, 'bob@example.com', 'viewer'))
    const seen = async () => (await wall.pool.query('select email from invitations')).rows
    expect(await as(a, seen)).not.toContainEqual({ email: 'bob@example.com' })
    await expect(as(a, () => removeMember(wall, b.userId))).rejects.toMatchObject({ code: 'PARTYWALL_NOT_FOUND' })
    await expect(as(b, () => invite(wall, 'bob@example.com', 'admin'))).rejects.toMatchObject({
      code: 'PARTYWALL_CONFLICT',
    })
  })

  it('makes no owner, neither by an invitation nor with the entry login', async () => {
    await expect(as(a, () => invite(wall, 'x@example.com', 'owner' as never))).rejects.toMatchObject({ code: '23514' })
    const values = [a.id]
    await expect(
      entryPool.query("insert into users (tenant_id, email, name, role) values ($1, 'x', 'x', 'owner')", values),
    ).rejects.toMatchObject({ code: '42501' })
  })

  it('lets a member delete nobody', async () => {
    const { rowCount } = await as(a, () => wall.pool.query('delete from users'), ['member']).catch(() => ({
      rowCount: 0,
    }))
    expect(rowCount).toBe(0)
  })

  it('adds no finding of verify', async () => {
    expect(await guide.findings()).toEqual([])
  })
})
