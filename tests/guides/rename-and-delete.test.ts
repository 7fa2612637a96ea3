import pg from 'pg'
import { beforeAll, describe, expect, it } from 'vitest'
import { runWithTenant } from '../../src/context/run-with-tenant.ts'
import type { Partywall } from '../../src/partywall.ts'
import { afterFile } from '../setup/after-file.ts'
import { createTestTenant, type TestTenant } from '../setup/database.ts'
import { createTestWall } from '../setup/wall.ts'
import { type Guide, openGuide } from './open-guide.ts'
import { deleteTenant, renameTenant } from './rename-and-delete.ts'

describe('the guide to renaming and deleting a tenant', () => {
  let guide: Guide
  let operations: pg.Pool
  let wall: Partywall
  let a: TestTenant
  let b: TestTenant

  beforeAll(async () => {
    guide = await openGuide('rename-and-delete', { roles: ['shop_operations'] })
    operations = new pg.Pool({ connectionString: guide.urlOf('shop_operations') })
    afterFile(() => operations.end())
    ;({ wall } = await createTestWall(guide))
    await wall.ready()
    a = await createTestTenant(guide)
    b = await createTestTenant(guide)
  })
  const left = async (tenant: TestTenant) => {
    const tables = ['documents', 'projects', 'users'].map(
      (table) => `(select count(*) from ${table} where tenant_id = $1)`,
    )
    const { rows } = await guide.admin(`select (${tables.join(' + ')})::int as n`, [tenant.id])
    return rows[0].n
  }

  it('renames a tenant: the new key is found, the old one is not, and its rows stay', async () => {
    expect(await wall.tenants.findByClaim(a.key)).toMatchObject({ id: a.id })
    await renameTenant(operations, a.id, { key: 'renamed', name: 'Renamed' })
    await expect.poll(() => wall.tenants.findByClaim(a.key), { timeout: 6_000 }).toBeUndefined()
    expect(await wall.tenants.findByClaim('renamed')).toMatchObject({ id: a.id })
    expect(await left(a)).toBe(3)
    await expect(renameTenant(operations, b.id, { key: 'renamed', name: 'x' })).rejects.toMatchObject({
      code: 'PARTYWALL_CONFLICT',
    })
  })

  it('deletes no row of a tenant that is not suspended', async () => {
    await expect(deleteTenant(operations, b.id)).rejects.toMatchObject({ code: 'PARTYWALL_CONFLICT' })
    expect((await operations.query('delete from documents')).rowCount).toBe(0)
    expect(await left(b)).toBe(3)
  })

  it('deletes a suspended tenant and leaves all others', async () => {
    await guide.admin("update tenants set status = 'suspended' where id = $1", [a.id])
    await deleteTenant(operations, a.id)
    expect([await left(a), await left(b)]).toEqual([0, 3])
    await expect.poll(() => wall.tenants.findById(a.id), { timeout: 6_000 }).toBeUndefined()
  })

  it('deletes nothing if a table was forgotten', async () => {
    await guide.admin('create table notes (tenant_id uuid references tenants (id))')
    await guide.admin('insert into notes values ($1)', [b.id])
    await guide.admin("update tenants set status = 'suspended' where id = $1", [b.id])
    await expect(deleteTenant(operations, b.id)).rejects.toMatchObject({ code: '23503' })
    expect(await left(b)).toBe(3)
    await guide.admin('drop table notes')
  })

  it('lets neither a tenant rename itself nor the operations login read rows', async () => {
    const rename = () => wall.pool.query("update tenants set name = 'x'")
    await guide.admin("update tenants set status = 'active' where id = $1", [b.id])
    await expect(runWithTenant({ tenantId: b.id, userId: b.userId, roles: ['owner'] }, rename)).rejects.toMatchObject({
      code: '42501',
    })
    await expect(operations.query('select title from documents')).rejects.toMatchObject({ code: '42501' })
    await expect(operations.query("update tenants set status = 'suspended'")).rejects.toMatchObject({ code: '42501' })
  })

  it('adds no finding of verify', async () => {
    expect(await guide.findings()).toEqual([])
  })
})
