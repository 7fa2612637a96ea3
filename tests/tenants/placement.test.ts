import { beforeAll, describe, expect, it } from 'vitest'
import type { Authorize } from '../../src/auth/membership.ts'
import { getCurrentTenant, runInTenantFrame, runWithTenant } from '../../src/context/run-with-tenant.ts'
import type { Partywall } from '../../src/partywall.ts'
import { createTenantDirectory } from '../../src/tenants/directory.ts'
import { createTestDatabase, createTestTenant, type TestDatabase, type TestTenant } from '../setup/database.ts'
import { startIssuer, type TestIssuer } from '../setup/issuer.ts'
import { contextOf, createPlacedTenant, installTestSchema, type PlacedTenant } from '../setup/tenant-schemas.ts'
import { createTestWall } from '../setup/wall.ts'

let database: TestDatabase
let wall: Partywall
let issuer: TestIssuer
let acme: PlacedTenant
let plain: TestTenant

beforeAll(async () => {
  database = await createTestDatabase()
  const made = await createTestWall(database)
  wall = made.wall
  issuer = made.issuer
  acme = await createPlacedTenant(database)
  plain = await createTestTenant(database)
})

describe('the placement of a tenant', () => {
  it('comes with the directory’s answer, by claim and by id; a tenant of shared tables has none', async () => {
    expect(await wall.tenants.findByClaim(acme.key)).toMatchObject({ id: acme.id, placement: acme.placement })
    expect(await wall.tenants.findById(acme.id)).toMatchObject({ placement: acme.placement })
    expect(await wall.tenants.findByClaim(plain.key)).not.toHaveProperty('placement')
  })

  it('is in the context of a request, of an envelope and of a support visit', async () => {
    const token = await issuer.sign({ claims: { org_id: acme.key, sub: acme.userId } })
    const context = await wall.admit({ token, requestId: 'r', hints: [] })
    expect(context.placement).toEqual(acme.placement)
    const envelope = await runInTenantFrame(context, {}, () =>
      wall.exportContext({ audience: 'worker', expiresIn: '1m' }),
    )
    const read = await wall.importContext(envelope, { audience: 'worker' }, async () => {
      const { rows } = await wall.pool.query('select body from documents')
      return [getCurrentTenant().placement, rows]
    })
    expect(read).toEqual([acme.placement, [{ body: `secret of ${acme.key}` }]])
    const visit = { tenantId: acme.id, actor: 'staff', reason: 'ticket 1', expiresIn: '1m' } as const
    const seen = await wall.actAs(visit, async () => (await wall.pool.query('select body from documents')).rows)
    expect(seen).toEqual([{ body: `secret of ${acme.key}` }])
  })

  it('is told to authorize, which may ask the tenant’s own tables; a tenant of shared tables has none', async () => {
    const asked: unknown[] = []
    const authorize: Authorize = async ({ userId, tenant }) => {
      asked.push(tenant.placement)
      const placement = tenant.placement ?? undefined
      const { rows } = await runWithTenant({ tenantId: tenant.id, userId, placement }, () =>
        wall.pool.query('select from users where id = $1', [userId]),
      )
      return rows.length === 1
    }
    const own = await startIssuer()
    const { wall: asking } = await createTestWall(database, { auth: { ...own.localOptions(), authorize } })
    for (const tenant of [acme, plain]) {
      const token = await own.sign({ claims: { org_id: tenant.key, sub: tenant.userId } })
      expect((await asking.admit({ token, requestId: 'r', hints: [] })).tenantId).toBe(tenant.id)
    }
    expect(asked).toEqual([acme.placement, undefined])
    await own.close()
  })

  it.each([{ schema: 'Public' }, { schema: 'pg_x' }, { schema: '' }, {}, 'tenant_a', 7, { schema: 'a,b' }])(
    'that is no name of a tenant’s schema is no answer: %j',
    async (placement) => {
      const answer = { id: 'a', status: 'active', tier: 'free', placement } as never
      const directory = createTenantDirectory({ findByClaim: async () => answer })
      await expect(directory.findByClaim('a')).rejects.toMatchObject({ code: 'PARTYWALL_DEPENDENCY_UNAVAILABLE' })
      await expect(directory.findById('a')).rejects.toMatchObject({ code: 'PARTYWALL_DEPENDENCY_UNAVAILABLE' })
    },
  )

  it('that changes is used at once by instances that hear of it, and after one refusal by those that do not', async () => {
    const tenant = await createTestTenant(database)
    let asked = 0
    const deaf = await createTestWall(database, {
      tenants: {
        async findByClaim(claim) {
          asked++
          const { rows } = await database.admin(
            'select schema_name from partywall.tenant_states where tenant_id = $1',
            [tenant.id],
          )
          const schema: string = rows[0]?.schema_name ?? ''
          return {
            id: tenant.id,
            status: 'active',
            tier: 'free',
            key: claim,
            ...(schema ? { placement: { schema } } : {}),
          }
        },
      },
    })
    expect(await deaf.wall.tenants.findByClaim(tenant.key)).not.toHaveProperty('placement')
    expect(await wall.tenants.findByClaim(tenant.key)).not.toHaveProperty('placement')
    const schema = await installTestSchema(database, tenant.id)
    await expect.poll(() => wall.tenants.findByClaim(tenant.key)).toMatchObject({ placement: { schema } })
    expect(asked).toBe(1)
    await expect(
      runWithTenant(contextOf(tenant), () => deaf.wall.pool.query('select body from documents')),
    ).rejects.toMatchObject({ code: 'PARTYWALL_DEPENDENCY_UNAVAILABLE', status: 503 })
    expect(await deaf.wall.tenants.findByClaim(tenant.key)).toMatchObject({ placement: { schema } })
  })
})
