import { setTimeout as sleep } from 'node:timers/promises'
import { beforeAll, describe, expect, it } from 'vitest'
import type { TenantPool } from '../../src/database/pool/create-tenant-pool.ts'
import type { TenantPoolOptions } from '../../src/database/settings/options.ts'
import { TcpProxy } from '../setup/tcp-proxy.ts'
import { createTwoTenants, type TwoTenants } from '../setup/two-tenants.ts'

let two: TwoTenants

beforeAll(async () => {
  two = await createTwoTenants()
})

async function through(
  options: Partial<TenantPoolOptions>,
  fn: (pool: TenantPool, proxy: TcpProxy) => Promise<void>,
): Promise<void> {
  const proxy = await TcpProxy.start(two.database.appUrl)
  const pool = two.pool({ connectionString: proxy.url, max: 2, ...options })
  pool.on('error', () => {})
  try {
    await fn(pool, proxy)
  } finally {
    proxy.faults.blackHole = false
    await pool.close({ timeoutMs: 500 })
    await proxy.stop()
  }
}

const tenantOf = async (pool: TenantPool, tenant: typeof two.a) =>
  (await two.as(tenant, () => pool.query('select distinct tenant_id from documents'))).rows

describe('a broken network', () => {
  it('that cuts connections fails what runs, and the next query has a new one', () =>
    through({}, async (pool, proxy) => {
      const running = two.as(two.a, () => pool.query('select pg_sleep(5)'))
      const transaction = two.as(two.b, () => pool.transaction((tx) => tx.query('select pg_sleep(5)')))
      const ended = Promise.allSettled([running, transaction])
      await sleep(100)
      proxy.cut()
      expect((await ended).map((result) => result.status)).toEqual(['rejected', 'rejected'])
      expect(await tenantOf(pool, two.a)).toEqual([{ tenant_id: two.a.id }])
      expect(await tenantOf(pool, two.b)).toEqual([{ tenant_id: two.b.id }])
    }))

  it('that cuts packets to pieces changes nothing', () =>
    through({}, async (pool, proxy) => {
      proxy.faults.splitBytes = 3
      for (const tenant of [two.a, two.b, two.a])
        expect(await tenantOf(pool, tenant)).toEqual([{ tenant_id: tenant.id }])
      await two.as(two.a, () => expect(pool.query('select 1/0')).rejects.toMatchObject({ code: '22012' }))
      expect(await tenantOf(pool, two.b)).toEqual([{ tenant_id: two.b.id }])
    }))

  it('that is slow while a time limit of the last tenant holds: the next is served by another connection', () =>
    through({ max: 1, statementTimeoutMs: 30_000 }, async (pool, proxy) => {
      await two.as(two.a, () => pool.query("select set_config('statement_timeout', '1', false)"))
      proxy.faults.splitBytes = 12
      proxy.faults.delayMs = 4
      const running = two.as(two.b, () => pool.query('select 1'))
      expect((await running).rows).toHaveLength(1)
      proxy.faults.splitBytes = 0
      proxy.faults.delayMs = 0
      expect(await tenantOf(pool, two.b)).toEqual([{ tenant_id: two.b.id }])
    }))

  it('that swallows everything is noticed: nobody waits for ever', () =>
    through({ statementTimeoutMs: 500, answerTimeoutMs: 1000 }, async (pool, proxy) => {
      await tenantOf(pool, two.a)
      proxy.faults.blackHole = true
      const started = Date.now()
      await expect(tenantOf(pool, two.b)).rejects.toThrow()
      expect(Date.now() - started).toBeLessThan(5000)
      proxy.faults.blackHole = false
      expect(await tenantOf(pool, two.b)).toEqual([{ tenant_id: two.b.id }])
    }))

  it('that swallows the clean-up of a connection holds it from nobody for ever', () =>
    through(
      { max: 1, statementTimeoutMs: 500, answerTimeoutMs: 1000, allowStatements: ['LISTEN'] },
      async (pool, proxy) => {
        const client = await two.as(two.a, () => pool.connect())
        await two.as(two.a, () => client.query('listen nobody'))
        proxy.faults.blackHole = true
        client.release()
        await sleep(200)
        proxy.faults.blackHole = false
        expect(await tenantOf(pool, two.b)).toEqual([{ tenant_id: two.b.id }])
      },
    ))

  it('leaves a transaction of which nobody knows the end rolled back or committed, never half', () =>
    through({}, async (pool, proxy) => {
      const work = two.as(two.a, () =>
        pool.transaction(async (tx) => {
          await tx.query("insert into documents (title) values ('half 1')")
          proxy.cut()
          await tx.query("insert into documents (title) values ('half 2')")
        }),
      )
      await expect(work).rejects.toThrow()
      const { rows } = await two.database.admin("select count(*)::int as n from documents where title like 'half%'")
      expect(rows).toEqual([{ n: 0 }])
    }))
})

describe('close', () => {
  it('takes no new work, waits for what runs, and is idempotent', async () => {
    const pool = two.pool()
    const running = two.as(two.a, () => pool.query('select pg_sleep(0.1), 1 as n'))
    const closing = pool.close()
    await expect(two.as(two.a, () => pool.query('select 1'))).rejects.toMatchObject({
      code: 'PARTYWALL_CLOSED',
      status: 503,
    })
    expect((await running).rows[0].n).toBe(1)
    await closing
    await pool.close()
  })

  it('cuts off what does not end in time', async () => {
    const pool = two.pool()
    const running = two.as(two.a, () => pool.query('select pg_sleep(20)')).catch((error: Error) => error)
    await sleep(50)
    const started = Date.now()
    await pool.close({ timeoutMs: 100 })
    expect(Date.now() - started).toBeLessThan(3000)
    expect(await running).toBeInstanceOf(Error)
  })
})

describe('a tenant’s share of the pool', () => {
  it('bounds one tenant and leaves connections for others', async () => {
    const pool = two.pool({ max: 3, perTenantConnections: 1, perTenantWaitMs: 700 })
    const slow = two.as(two.a, () => pool.query('select pg_sleep(2)'))
    const over = two.as(two.a, () => pool.query('select 1')).catch((error: unknown) => error)
    const other = await two.as(two.b, () => pool.query('select 1 as n'))
    expect(other.rows).toEqual([{ n: 1 }])
    expect(await over).toMatchObject({ code: 'PARTYWALL_DEPENDENCY_UNAVAILABLE' })
    await slow
    const waited = await two.as(two.a, () => Promise.all([1, 2, 3].map(() => pool.query('select 1 as n'))))
    expect(waited).toHaveLength(3)
    await pool.end()
  })
})
