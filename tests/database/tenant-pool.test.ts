import { randomUUID } from 'node:crypto'
import { beforeAll, describe, expect, it } from 'vitest'
import { runWithoutTenant, runWithTenant } from '../../src/context/run-with-tenant.ts'
import { createTenantPool, type TenantPool } from '../../src/database/pool/create-tenant-pool.ts'
import { silentLogger } from '../../src/logger/logger.ts'
import { afterFile } from '../setup/after-file.ts'
import { createTestDatabase, createTestTenant, type TestDatabase, type TestTenant } from '../setup/database.ts'

let database: TestDatabase
let pool: TenantPool
let a: TestTenant
let b: TestTenant

beforeAll(async () => {
  database = await createTestDatabase()
  pool = createTenantPool({
    connectionString: database.appUrl,
    max: 2,
    seal: { secret: database.sealSecret },
    roles: { tenant_admin: ['owner'] },
    logger: silentLogger,
  })
  a = await createTestTenant(database)
  b = await createTestTenant(database)
  afterFile(() => pool.end())
})

const as = <T>(tenant: TestTenant, fn: () => Promise<T>, roles: string[] = []): Promise<T> =>
  runWithTenant({ tenantId: tenant.id, userId: tenant.userId, roles }, fn)

describe('pool.query', () => {
  it('shows a tenant its own rows and no others', async () => {
    const own = await as(a, () => pool.query('select tenant_id, body from documents'))
    expect(own.rows).toEqual([{ tenant_id: a.id, body: `secret of ${a.key}` }])
    const other = await as(b, () => pool.query('select tenant_id from documents where id = $1', [a.documentId]))
    expect(other.rows).toEqual([])
  })

  it('refuses outside a tenant context, and sends nothing', async () => {
    await expect(pool.query('select 1')).rejects.toMatchObject({ code: 'PARTYWALL_CONTEXT_MISSING' })
  })

  it('shows nothing in an explicitly empty context, and the catalog works', async () => {
    await runWithoutTenant(async () => {
      expect((await pool.query('select * from documents')).rows).toEqual([])
      expect((await pool.query('select 1 as one')).rows).toEqual([{ one: 1 }])
    })
  })

  it('keeps tenants apart when many ask at once on few connections', async () => {
    const work = Array.from({ length: 200 }, (_, index) => {
      const tenant = index % 2 === 0 ? a : b
      return as(tenant, async () => {
        if (index % 7 === 0) await expect(pool.query('select 1/0')).rejects.toMatchObject({ code: '22012' })
        const { rows } = await pool.query('select distinct tenant_id from documents')
        expect(rows).toEqual([{ tenant_id: tenant.id }])
      })
    })
    await Promise.all(work)
    expect(pool.totalCount).toBeLessThanOrEqual(2)
  })

  it('keeps the connection after a plain error of a statement', async () => {
    const before = await as(a, () => pool.query('select pg_backend_pid() as pid'))
    await as(a, () => expect(pool.query('select 1/0')).rejects.toMatchObject({ code: '22012' }))
    await as(a, () => expect(pool.query('nonsense')).rejects.toMatchObject({ code: 'PARTYWALL_STATEMENT_REFUSED' }))
    const pids = new Set<number>()
    for (let round = 0; round < 4; round++) {
      pids.add((await as(a, () => pool.query('select pg_backend_pid() as pid'))).rows[0].pid)
    }
    expect(pids).toContain(before.rows[0].pid)
  })
})

describe('pool.transaction', () => {
  it('commits what its function did, and takes back what it threw away', async () => {
    const title = randomUUID()
    await as(a, () =>
      pool.transaction(async (tx) => {
        await tx.query('insert into documents (title) values ($1)', [title])
        await tx
          .transaction(async (inner) => {
            await inner.query('insert into documents (title) values ($1)', [`${title} inner`])
            throw new Error('inner')
          })
          .catch(() => {})
      }),
    )
    const { rows } = await database.admin('select tenant_id, title from documents where title like $1', [`${title}%`])
    expect(rows).toEqual([{ tenant_id: a.id, title }])
    await as(a, () =>
      expect(
        pool.transaction(async (tx) => {
          await tx.query("update documents set title = 'thrown away'")
          throw new Error('outer')
        }),
      ).rejects.toThrow('outer'),
    )
    const thrown = await as(a, () => pool.query("select from documents where title = 'thrown away'"))
    expect(thrown.rowCount).toBe(0)
  })

  it('belongs to the tenant that opened it', async () => {
    const client = await as(a, () => pool.connect())
    await as(a, () => client.query('begin'))
    await as(b, () => expect(client.query('select 1')).rejects.toMatchObject({ code: 'PARTYWALL_TENANT_ISOLATION' }))
    await as(a, () => client.query('rollback'))
    client.release()
  })

  it('can be serializable', async () => {
    await as(a, () =>
      pool.transaction(
        async (tx) => {
          expect((await tx.query('show transaction_isolation')).rows[0]).toEqual({
            transaction_isolation: 'serializable',
          })
          expect((await tx.query('select distinct tenant_id from documents')).rows).toEqual([{ tenant_id: a.id }])
        },
        { isolation: 'serializable' },
      ),
    )
  })
})
