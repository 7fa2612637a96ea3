// A mixed fleet through PgBouncer in transaction mode: every tenant meets the same server connection.
import { beforeAll, describe, expect, it } from 'vitest'
import { type PgBouncer, startPgBouncer } from '../../../leak-hunt/servers/pgbouncer.ts'
import { runWithTenant } from '../../../src/context/run-with-tenant.ts'
import { createTenantPool, type TenantPool } from '../../../src/database/pool/create-tenant-pool.ts'
import { silentLogger } from '../../../src/logger/logger.ts'
import { moveTenant } from '../../../src/migrate/move-tenant/move-tenant.ts'
import { createTestDatabase, createTestTenant, type TestDatabase, type TestTenant } from '../../setup/database.ts'
import { contextOf, createPlacedTenant, exampleSchemaSql, newSchemaName } from '../../setup/tenant-schemas.ts'

let database: TestDatabase
let bouncer: PgBouncer
let pool: TenantPool
let fleet: readonly TestTenant[]

beforeAll(async () => {
  database = await createTestDatabase()
  fleet = [await createTestTenant(database), await createPlacedTenant(database), await createPlacedTenant(database)]
  bouncer = await startPgBouncer(database.appUrl, 1)
  pool = createTenantPool({
    connectionString: bouncer.url,
    max: 6,
    seal: { secret: database.sealSecret },
    roles: { tenant_admin: ['owner'] },
    pooler: 'transaction',
    logger: silentLogger,
  })
  return async () => {
    await pool.close({ timeoutMs: 1000 })
    await bouncer.stop()
  }
})

const as = <T>(tenant: TestTenant, work: () => Promise<T>) => runWithTenant(contextOf(tenant, ['owner']), work)

describe('through PgBouncer in transaction mode', () => {
  it('keeps shared tables and schemas apart on one server connection, also behind errors and in transactions', async () => {
    const work = Array.from({ length: 150 }, (_, index) => {
      const tenant = fleet[index % fleet.length]
      if (tenant === undefined) throw new Error('no tenant')
      return as(tenant, async () => {
        if (index % 10 === 0) await expect(pool.query('select 1/0')).rejects.toMatchObject({ code: '22012' })
        const text = 'select body from documents where title = $1'
        const query = { text, values: ['First document'], prepare: index % 2 === 0 }
        expect((await pool.query(query)).rows).toEqual([{ body: `secret of ${tenant.key}` }])
        await pool.transaction(async (transaction) => {
          await transaction.query('insert into documents (title, body) values ($1, $2)', [`n${index}`, tenant.key])
          const { rows } = await transaction.query('select distinct tenant_id from documents')
          expect(rows).toEqual([{ tenant_id: tenant.id }])
        })
      })
    })
    await Promise.all(work)
    for (const tenant of fleet) {
      const place = contextOf(tenant).placement?.schema ?? 'public'
      const { rows } = await database.admin(
        `select count(*)::int as n from ${place}.documents where body = $1 and tenant_id = $2`,
        [tenant.key, tenant.id],
      )
      expect(rows).toEqual([{ n: 50 }])
    }
  })

  it('refuses a process with an outdated placement after a move', async () => {
    const tenant = await createTestTenant(database)
    const schema = newSchemaName()
    await database.admin(exampleSchemaSql(schema))
    await database.admin('call partywall.install_schema($1, $2, place => false)', [schema, tenant.id])
    const text = 'select body from documents'
    expect((await as(tenant, () => pool.query(text))).rowCount).toBe(1)
    await moveTenant({ databaseUrl: database.adminUrl, tenant: tenant.id, schema, to: 'schema' })
    await expect(as(tenant, () => pool.query(text))).rejects.toMatchObject({ code: 'PARTYWALL_DEPENDENCY_UNAVAILABLE' })
    const placed = { ...contextOf(tenant), placement: { schema } }
    expect((await runWithTenant(placed, () => pool.query(text))).rows).toEqual([{ body: `secret of ${tenant.key}` }])
  })
})
