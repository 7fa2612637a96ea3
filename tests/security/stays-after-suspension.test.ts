// Ways to go on working for a tenant that was suspended meanwhile, other than by a request of its own.
import express from 'express'
import { beforeAll, describe, expect, it } from 'vitest'
import { runWithoutTenant, runWithTenant } from '../../src/context/run-with-tenant.ts'
import { tenantContextMiddleware, tenantErrorHandler } from '../../src/middleware/express.ts'
import { createTestDatabase, createTestTenant, type TestDatabase, type TestTenant } from '../setup/database.ts'
import { createTestWall, serve } from '../setup/wall.ts'

const pause = (ms: number) => new Promise((resolve) => setTimeout(resolve, ms))

describe('work that outlives a suspension', () => {
  let database: TestDatabase

  beforeAll(async () => {
    database = await createTestDatabase()
  })

  const suspend = (tenant: TestTenant) =>
    database.admin("update tenants set status = 'suspended' where id = $1", [tenant.id])

  it('is stopped in a worker that only opens envelopes', async () => {
    const tenant = await createTestTenant(database)
    const { wall: web } = await createTestWall(database)
    const { wall: worker } = await createTestWall(database)
    const envelope = await runWithTenant({ tenantId: tenant.id, userId: tenant.userId }, () =>
      web.exportContext({ audience: 'worker', expiresIn: '1h' }),
    )
    let suspended = false
    const job = worker.importContext(envelope, { audience: 'worker' }, async () => {
      for (let round = 0; round < 60; round++) {
        await worker.pool.query('select count(*) from documents')
        if (!suspended && worker.tenants.listening) {
          suspended = true
          await suspend(tenant)
        }
        await pause(50)
      }
      return 'done'
    })
    await expect(job).rejects.toMatchObject({ code: 'PARTYWALL_TENANT_INACTIVE' })
  })

  it('is stopped where a visit of staff is under way', async () => {
    const tenant = await createTestTenant(database)
    const { wall } = await createTestWall(database)
    await wall.ready()
    await expect.poll(() => wall.tenants.listening, { timeout: 5_000 }).toBe(true)
    const visit = wall.actAs({ tenantId: tenant.id, actor: 'staff', reason: 'ticket', expiresIn: '1h' }, async () => {
      await suspend(tenant)
      for (let round = 0; round < 40; round++) {
        await wall.pool.query('select count(*) from documents')
        await pause(50)
      }
      return 'done'
    })
    await expect(visit).rejects.toMatchObject({ code: 'PARTYWALL_TENANT_INACTIVE' })
  })

  it('is stopped where a request was answered and left something running', async () => {
    const tenant = await createTestTenant(database)
    const { wall, issuer } = await createTestWall(database)
    await wall.ready()
    await expect.poll(() => wall.tenants.listening, { timeout: 5_000 }).toBe(true)
    let left: Promise<unknown> = Promise.resolve()
    const app = express()
    app.use(tenantContextMiddleware(wall))
    app.get('/', (_request, response) => {
      response.once('close', () => {
        left = (async () => {
          for (let round = 0; round < 40; round++) {
            await wall.pool.query('select count(*) from documents')
            await pause(50)
          }
          return 'done'
        })()
        left.catch(() => {})
      })
      response.json('started')
    })
    app.use(tenantErrorHandler())
    const url = await serve(app)
    const token = await issuer.sign({ claims: { org_id: tenant.key, sub: tenant.userId } })
    expect((await fetch(url, { headers: { authorization: `Bearer ${token}` } })).status).toBe(200)
    await pause(100)
    await suspend(tenant)
    await expect(left).rejects.toMatchObject({ code: 'PARTYWALL_TENANT_INACTIVE' })
  })

  it.each(['by its id', 'whose status changed nobody said'])(
    'is stopped under a directory of the user\u2019s own that knows claims alone: %s',
    async (how) => {
      const status = new Map([
        ['acme', 'active'],
        ['globex', 'active'],
      ])
      const ids = new Map([
        ['acme', '00000000-0000-4000-8000-00000000000a'],
        ['globex', '00000000-0000-4000-8000-00000000000b'],
      ])
      const findByClaim = async (key: string) => {
        const id = ids.get(key)
        return id === undefined ? undefined : { id, key, status: status.get(key) ?? '', tier: 'free' }
      }
      const { wall, issuer } = await createTestWall(database, { tenants: { findByClaim } })
      const admit = async (claim: string) =>
        wall.admit({ token: await issuer.sign({ claims: { org_id: claim } }), requestId: 'r', hints: [] })
      const [suspended, other] = [await admit('acme'), await admit('globex')].map((context) =>
        wall.beginWork(context.tenantId),
      )
      status.set('acme', 'suspended')
      wall.tenants.invalidate(how === 'by its id' ? ids.get('acme') : undefined)
      await expect.poll(() => suspended?.stopped()).toMatchObject({ code: 'PARTYWALL_TENANT_INACTIVE' })
      expect(other?.stopped()).toBeUndefined()
      for (const work of [suspended, other]) work?.end()
    },
  )

  it('loses neither its end nor its read-only mode by an empty context in between', async () => {
    const tenant = await createTestTenant(database)
    const { wall } = await createTestWall(database)
    const again = <T>(fn: () => T) =>
      runWithoutTenant(() => runWithTenant({ tenantId: tenant.id, userId: 'staff' }, fn))
    const visit = { tenantId: tenant.id, actor: 'staff', reason: 'ticket' }
    await expect(
      wall.actAs({ ...visit, expiresIn: '1h' }, () =>
        again(() => wall.pool.query("update documents set title = 'changed'")),
      ),
    ).rejects.toMatchObject({ code: '25006' })
    await expect(
      wall.actAs({ ...visit, expiresIn: 0.05 }, async () => {
        await pause(100)
        return again(() => wall.pool.query('select 1'))
      }),
    ).rejects.toMatchObject({ code: 'PARTYWALL_TENANT_ISOLATION' })
  })
})
