import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { beforeAll, describe, expect, it } from 'vitest'
import { type PgBouncer, startPgBouncer } from '../../leak-hunt/servers/pgbouncer.ts'
import { packageRoot } from '../../src/config/package-root.ts'
import { runWithTenant } from '../../src/context/run-with-tenant.ts'
import { createPartywall, type Partywall } from '../../src/partywall.ts'
import { afterFile } from '../setup/after-file.ts'
import { createTestDatabase, createTestTenant, type TestDatabase, type TestTenant } from '../setup/database.ts'
import { startIssuer, type TestIssuer } from '../setup/issuer.ts'
import { openWall } from './pgbouncer.ts'

describe('the guide to PgBouncer', () => {
  let database: TestDatabase
  let bouncer: PgBouncer
  let issuer: TestIssuer
  let wall: Partywall
  let a: TestTenant
  let b: TestTenant

  beforeAll(async () => {
    database = await createTestDatabase()
    const ini = await readFile(join(packageRoot(), 'tests', 'guides', 'pgbouncer.ini'), 'utf8')
    bouncer = await startPgBouncer(database.appUrl, 20, { settings: ini.replace('[pgbouncer]\n', '') })
    issuer = await startIssuer()
    wall = openWall({
      poolerUrl: bouncer.url,
      directUrl: database.appUrl,
      auth: issuer.localOptions(),
      secret: database.sealSecret,
    })
    afterFile(async () => {
      await wall.close({ timeoutMs: 2_000 })
      await issuer.close()
      await bouncer.stop()
    })
    a = await createTestTenant(database)
    b = await createTestTenant(database)
    await wall.ready()
  })
  const as = <T>(tenant: TestTenant, fn: () => Promise<T>) =>
    runWithTenant({ tenantId: tenant.id, userId: tenant.userId, roles: ['owner'] }, fn)

  it('keeps 200 interleaved statements of two tenants apart', async () => {
    await Promise.all(
      Array.from({ length: 200 }, async (_, index) => {
        const tenant = index % 2 === 0 ? a : b
        const { rows } = await as(tenant, () => wall.pool.query('select id from documents'))
        expect(rows).toEqual([{ id: tenant.documentId }])
      }),
    )
  })

  it('leaves no setting of one tenant for the next', async () => {
    await as(a, () => wall.pool.query("select set_config('app.left_behind', 'of a', false)"))
    for (let attempt = 0; attempt < 20; attempt++) {
      const { rows } = await as(b, () => wall.pool.query("select current_setting('app.left_behind', true) as left"))
      expect(rows[0]?.left ?? '').toBe('')
    }
  })

  it('learns of a suspension through the direct connection', async () => {
    expect(await wall.tenants.findByClaim(a.key)).toMatchObject({ status: 'active' })
    await database.admin("update tenants set status = 'suspended' where id = $1", [a.id])
    await expect.poll(() => wall.tenants.findByClaim(a.key), { timeout: 4_000 }).toMatchObject({ status: 'suspended' })
  })

  it('says what is wrong if the wall does not know of the pooler', async () => {
    const other = createPartywall({
      database: { url: bouncer.url },
      auth: issuer.localOptions(),
      seal: { secret: database.sealSecret },
    })
    await expect(other.ready()).rejects.toThrow("set database.pooler: 'transaction'")
    await other.close({ timeoutMs: 1_000 })
  })
})
