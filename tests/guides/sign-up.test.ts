import type pg from 'pg'
import { beforeAll, describe, expect, it } from 'vitest'
import { runWithTenant } from '../../src/context/run-with-tenant.ts'
import { createEntryPool } from '../../src/database/index.ts'
import type { Partywall } from '../../src/partywall.ts'
import { afterFile } from '../setup/after-file.ts'
import { createTestTenant, type TestTenant } from '../setup/database.ts'
import { createTestWall } from '../setup/wall.ts'
import { type Guide, openGuide } from './open-guide.ts'
import { signUp } from './sign-up.ts'

describe('the guide to sign-up', () => {
  let guide: Guide
  let entryPool: pg.Pool
  let wall: Partywall
  let a: TestTenant

  beforeAll(async () => {
    guide = await openGuide('sign-up', { roles: ['shop_entry'] })
    entryPool = createEntryPool({ connectionString: guide.urlOf('shop_entry') })
    afterFile(() => entryPool.end())
    ;({ wall } = await createTestWall(guide))
    a = await createTestTenant(guide)
  })
  const someone = { company: 'New GmbH', email: 'owner@example.com', name: 'Owner' }
  const tenants = async () => (await guide.admin('select key from tenants order by key')).rows.map(({ key }) => key)

  it('makes a tenant with an owner and a first project, and the directory finds it at once', async () => {
    const { tenantId, userId } = await signUp(wall, entryPool, { key: 'new', ...someone })
    const { rows } = await guide.admin(
      'select role, p.name from users u join projects p on p.owner_id = u.id where u.id = $1',
      [userId],
    )
    expect(rows).toEqual([{ role: 'owner', name: 'First project' }])
    expect(await wall.tenants.findByClaim('new')).toMatchObject({ id: tenantId, status: 'active' })
  })

  it('finds a tenant within seconds, although a request asked for its key before the sign-up', async () => {
    expect(await wall.tenants.findByClaim('late')).toBeUndefined()
    const { tenantId } = await signUp(wall, entryPool, { ...someone, key: 'late' })
    await expect.poll(() => wall.tenants.findByClaim('late'), { timeout: 8_000 }).toMatchObject({ id: tenantId })
  })

  it('makes nothing if the key is taken, or if the user could not be made', async () => {
    const before = await tenants()
    await expect(signUp(wall, entryPool, { ...someone, key: a.key })).rejects.toMatchObject({
      code: 'PARTYWALL_CONFLICT',
    })
    await expect(signUp(wall, entryPool, { ...someone, key: 'half', email: null as never })).rejects.toMatchObject({
      code: '23502',
    })
    expect(await tenants()).toEqual(before)
  })

  it('lets the entry login change no tenant, choose no tier, and read no address', async () => {
    for (const text of [
      "update tenants set tier = 'enterprise'",
      "insert into tenants (key, name, tier) values ('x', 'x', 'enterprise')",
      'select email from users',
      'select title from documents',
      'delete from users',
    ])
      await expect(entryPool.query(text)).rejects.toMatchObject({ code: '42501' })
  })

  it('has both the grant and the policy against a tier that the customer chooses', async () => {
    const insert = "insert into tenants (key, name, tier) values ('y', 'y', 'enterprise')"
    const role = new URL(guide.urlOf('shop_entry')).username
    const { rows } = await guide.admin("select has_column_privilege($1, 'tenants', 'tier', 'insert') as may", [role])
    expect(rows).toEqual([{ may: false }])
    await guide.admin(`grant insert (tier) on tenants to ${role}`)
    await expect(entryPool.query(insert)).rejects.toMatchObject({ code: '42501' })
    await guide.admin(`revoke insert (tier) on tenants from ${role}`)
  })

  it('refuses a tenant that the application itself makes', async () => {
    const make = () => wall.pool.query("insert into tenants (key, name) values ('own', 'own')")
    await expect(runWithTenant({ tenantId: a.id, userId: a.userId, roles: ['owner'] }, make)).rejects.toMatchObject({
      code: '42501',
    })
  })

  it('adds no finding of verify', async () => {
    expect(await guide.findings()).toEqual([])
  })
})
