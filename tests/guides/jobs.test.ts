import { beforeAll, describe, expect, it } from 'vitest'
import { runWithTenant } from '../../src/context/run-with-tenant.ts'
import type { Partywall } from '../../src/partywall.ts'
import { createTestDatabase, createTestTenant, type TestDatabase, type TestTenant } from '../setup/database.ts'
import { createTestWall } from '../setup/wall.ts'
import { archiveOldDocuments, countDocuments } from './jobs.ts'

describe('the guide to nightly jobs', () => {
  let database: TestDatabase
  let wall: Partywall
  let a: TestTenant
  let b: TestTenant
  let suspended: TestTenant

  beforeAll(async () => {
    database = await createTestDatabase()
    ;({ wall } = await createTestWall(database))
    a = await createTestTenant(database)
    b = await createTestTenant(database)
    suspended = await createTestTenant(database, { status: 'suspended' })
  })
  const bodies = async () => {
    const { rows } = await database.admin('select tenant_id, body from documents')
    return new Map(rows.map(({ tenant_id, body }) => [tenant_id, body]))
  }

  it('counts the documents of all tenants, and records who asked before it reads', async () => {
    expect(await countDocuments(wall)).toEqual(new Map([a, b, suspended].map(({ id }) => [id, 1])))
    const { rows } = await database.admin('select actor, reason from partywall.crossings')
    expect(rows).toContainEqual({ actor: 'nightly-count', reason: 'documents per tenant, for billing' })
  })

  it('writes in each active tenant, and only what is old', async () => {
    await database.admin("update documents set created_at = now() - interval '8 years' where tenant_id <> $1", [b.id])
    expect(await archiveOldDocuments(wall)).toEqual({ done: 2, skipped: [], failed: [] })
    const after = await bodies()
    expect(after.get(a.id)).toBe('')
    expect(after.get(b.id)).toContain('secret')
    expect(after.get(suspended.id)).toContain('secret')
  })

  it('goes on with the other tenants when one fails', async () => {
    const { done, failed } = await wall.forEachTenant(
      (tenant) => (tenant.id === a.id ? wall.pool.query('select 1/0') : wall.pool.query('select 1')),
      { tenants: [a.id, b.id], userId: 'test' },
    )
    expect({ done, failed: failed.map(({ tenantId }) => tenantId) }).toEqual({ done: 1, failed: [a.id] })
  })

  it('refuses to write across tenants', async () => {
    const write = () => wall.pool.query("update documents set body = ''")
    await expect(wall.runAcrossTenants({ actor: 'x', reason: 'y' }, write)).rejects.toMatchObject({ code: '25006' })
  })

  it('refuses a job without a context, and a job inside a request', async () => {
    await expect((async () => wall.pool.query('select 1'))()).rejects.toMatchObject({
      code: 'PARTYWALL_CONTEXT_MISSING',
    })
    const nested = () =>
      runWithTenant({ tenantId: a.id, userId: a.userId, roles: [] }, async () => countDocuments(wall))
    await expect(nested()).rejects.toMatchObject({ code: 'PARTYWALL_TENANT_ISOLATION' })
  })

  it('deletes only with a role that may delete', async () => {
    const remove = () => wall.pool.query('delete from documents where title = $1', ['none'])
    const { failed } = await wall.forEachTenant(remove, { tenants: [a.id], userId: 'test' })
    expect(failed[0]?.error).toMatchObject({ code: '42501' })
    expect((await wall.forEachTenant(remove, { tenants: [a.id], userId: 'test', roles: ['admin'] })).done).toBe(1)
  })
})
