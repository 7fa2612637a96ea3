// Behind a transaction pooler a server connection is anybody's from one transaction to the next: the pins, the revoked TEMP and
// the unnamed statement are the wall.
import { once } from 'node:events'
import pg from 'pg'
import { beforeAll, describe, expect, it } from 'vitest'
import { type PgBouncer, startPgBouncer } from '../../leak-hunt/servers/pgbouncer.ts'
import type { TenantPool } from '../../src/database/pool/create-tenant-pool.ts'
import { createTwoTenants, type TwoTenants } from '../setup/two-tenants.ts'

let two: TwoTenants
let bouncer: PgBouncer
let pool: TenantPool

beforeAll(async () => {
  two = await createTwoTenants()
  bouncer = await startPgBouncer(two.database.appUrl, 1)
  pool = two.pool({ connectionString: bouncer.url, pooler: 'transaction', max: 6 })
  return async () => {
    await pool.close({ timeoutMs: 1000 })
    await bouncer.stop()
  }
})

describe('through PgBouncer in transaction mode, sealed', () => {
  it('keeps tenants apart on one server connection, also behind errors', async () => {
    const work = Array.from({ length: 120 }, (_, index) => {
      const tenant = index % 2 === 0 ? two.a : two.b
      return two.as(tenant, async () => {
        if (index % 9 === 0) await expect(pool.query('select 1/0')).rejects.toMatchObject({ code: '22012' })
        const { rows } = await pool.query('select distinct tenant_id from documents where title <> $1', ['x'])
        expect(rows).toEqual([{ tenant_id: tenant.id }])
      })
    })
    await Promise.all(work)
  })

  it('finds named statements again, whatever server connection they meet', async () => {
    const text = 'select tenant_id, $1::int as n from documents'
    for (let round = 0; round < 4; round++) {
      for (const tenant of [two.a, two.b]) {
        await two.as(tenant, async () => {
          const asked = Array.from({ length: 6 }, (_, n) => pool.query({ name: 'own_documents', text, values: [n] }))
          for (const [n, { rows }] of (await Promise.all(asked)).entries())
            expect(rows).toEqual([{ tenant_id: tenant.id, n }])
          const client = await pool.connect()
          const query = client.query(new pg.Query({ name: 'own_documents', text, values: [7] }))
          const [[row]] = await Promise.all([once(query, 'row'), once(query, 'end')])
          expect(row).toEqual({ tenant_id: tenant.id, n: 7 })
          client.release()
        })
      }
    }
  })

  it('refuses a statement that has nothing but its name', async () => {
    const asked = two.as(two.a, () => pool.query({ name: 'own_documents', values: [1] } as unknown as pg.QueryConfig))
    await expect(asked).rejects.toMatchObject({ code: 'PARTYWALL_STATEMENT_REFUSED' })
  })

  it('keeps transactions and savepoints together', async () => {
    const rows = await two.as(two.a, () =>
      pool.transaction(async (tx) => {
        await tx.query("insert into documents (title) values ('kept')")
        await tx.transaction((inner) => inner.query('select 1/0')).catch(() => {})
        return (await tx.query("select tenant_id from documents where title = 'kept'")).rows
      }),
    )
    expect(rows).toEqual([{ tenant_id: two.a.id }])
  })

  it.each([
    ['tenant', (b: string) => `select set_config('app.current_tenant_id', '${b}', false)`],
    ['path', () => "select set_config('search_path', 'nowhere', false)"],
    ['role', () => "select set_config('role', 'tenant_admin', false)"],
    ['time-out', () => "select set_config('statement_timeout', '1', false)"],
  ] as const)('pins what a SELECT of A changed session-wide: %s', async (_name, sql) => {
    await two.as(two.a, () => pool.query(sql(two.b.id)))
    const { rows } = await two.as(two.b, () =>
      pool.query('select tenant_id, current_role as role, pg_sleep(0.01) from documents limit 1'),
    )
    expect(rows[0]).toMatchObject({ tenant_id: two.b.id, role: 'tenant_user' })
  })

  it('destroys the connection after a cancel, whatever came of it', async () => {
    const controller = new AbortController()
    const running = two.as(two.a, () =>
      pool.query(Object.assign({ text: 'select pg_sleep(5)' }, { signal: controller.signal })),
    )
    setTimeout(() => controller.abort(new Error('enough')), 60)
    await expect(running).rejects.toThrow('enough')
    const { rows } = await two.as(two.b, () => pool.query('select distinct tenant_id from documents'))
    expect(rows).toEqual([{ tenant_id: two.b.id }])
  })

  it('says what is wrong when the pool was not told of the pooler', async () => {
    const untold = two.pool({ connectionString: bouncer.url })
    await expect(two.as(two.a, () => untold.query('select count(*) from documents'))).rejects.toThrow()
    await untold.close({ timeoutMs: 100 })
  })
})
