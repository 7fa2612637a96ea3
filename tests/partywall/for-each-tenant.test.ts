import { beforeAll, describe, expect, it } from 'vitest'
import { getCurrentTenant, runWithTenant } from '../../src/context/run-with-tenant.ts'
import type { Partywall } from '../../src/partywall.ts'
import { createTestDatabase, createTestTenant, type TestTenant } from '../setup/database.ts'
import { createPlacedTenant, type PlacedTenant } from '../setup/tenant-schemas.ts'
import { createTestWall } from '../setup/wall.ts'

let wall: Partywall
let plain: TestTenant
let suspended: TestTenant
let placed: PlacedTenant

beforeAll(async () => {
  const database = await createTestDatabase()
  ;({ wall } = await createTestWall(database))
  plain = await createTestTenant(database)
  suspended = await createTestTenant(database, { status: 'suspended' })
  placed = await createPlacedTenant(database)
})

describe('forEachTenant', () => {
  it.each([1, 4])('opens a context for each active tenant, with its placement, %s at once', async (concurrency) => {
    const seen = new Map<string, unknown>()
    const result = await wall.forEachTenant(
      async (tenant) => {
        const { rows } = await wall.pool.query('select body from documents')
        expect(getCurrentTenant().tenantId).toBe(tenant.id)
        seen.set(tenant.id, rows)
      },
      { tenants: [plain.id, suspended.id, placed.id], userId: 'nightly', concurrency },
    )
    expect(result).toEqual({ done: 2, skipped: [suspended.id], failed: [] })
    expect(seen.get(plain.id)).toEqual([{ body: `secret of ${plain.key}` }])
    expect(seen.get(placed.id)).toEqual([{ body: `secret of ${placed.key}` }])
  })

  it('goes on after an error of one tenant, and refuses to run inside a context', async () => {
    const error = new Error('planned')
    const fail = (tenant: { id: string }) => (tenant.id === plain.id ? Promise.reject(error) : 1)
    const options = { tenants: [plain.id, placed.id], userId: 'nightly' }
    expect(await wall.forEachTenant(fail, options)).toEqual({
      done: 1,
      skipped: [],
      failed: [{ tenantId: plain.id, error }],
    })
    await expect(
      runWithTenant({ tenantId: plain.id, userId: 'u' }, () => wall.forEachTenant(fail, options)),
    ).rejects.toMatchObject({ code: 'PARTYWALL_TENANT_ISOLATION' })
  })
})
