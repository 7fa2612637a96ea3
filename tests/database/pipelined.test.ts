import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import type { TenantPool } from '../../src/database/create-tenant-pool.ts'
import { TcpProxy } from '../setup/tcp-proxy.ts'
import { createTwoTenants, type TwoTenants } from '../setup/two-tenants.ts'

let two: TwoTenants
let proxy: TcpProxy & { url: string }
let pool: TenantPool

beforeAll(async () => {
  two = await createTwoTenants()
  proxy = await TcpProxy.start(two.database.appUrl)
  pool = two.pool({ connectionString: proxy.url, pipelinedConnections: 1, max: 2 })
  pool.on('error', () => {})
  afterAll(async () => {
    await pool.close({ timeoutMs: 1000 })
    await proxy.stop()
  })
})

describe('pipelined connections', () => {
  it('keep tenants apart on one connection, errors and named statements in between', async () => {
    const work = Array.from({ length: 200 }, (_, index) => {
      const tenant = index % 2 === 0 ? two.a : two.b
      return two.as(tenant, async () => {
        if (index % 5 === 0) await expect(pool.query('select 1/0')).rejects.toMatchObject({ code: '22012' })
        if (index % 7 === 0)
          await expect(pool.query({ name: `broken ${index}`, text: 'select * from nowhere' })).rejects.toThrow()
        const { rows } = await pool.query({ name: 'own', text: 'select distinct tenant_id from documents' })
        expect(rows).toEqual([{ tenant_id: tenant.id }])
      })
    })
    await Promise.all(work)
    expect(proxy.connections).toBe(1)
  })

  it('hold no residue against the next: the pins stand in front of each statement', async () => {
    await two.as(two.a, () =>
      pool.query(
        `select set_config('app.current_tenant_id', '${two.b.id}', false), set_config('search_path', 'nowhere', false), set_config('role', 'tenant_admin', false)`,
      ),
    )
    const { rows } = await two.as(two.b, () => pool.query('select tenant_id, current_role as role from documents'))
    expect(rows).toEqual([{ tenant_id: two.b.id, role: 'tenant_user' }])
  })

  it('leave transactions to connections of their own', async () => {
    const rows = await two.as(two.a, () =>
      pool.transaction(async (tx) => (await tx.query('select distinct tenant_id from documents')).rows),
    )
    expect(rows).toEqual([{ tenant_id: two.a.id }])
  })

  it('fail what was on its way when they break, and open again', async () => {
    const running = Promise.allSettled([1, 2, 3].map(() => two.as(two.a, () => pool.query('select pg_sleep(1)'))))
    await new Promise((resolve) => setTimeout(resolve, 50))
    proxy.cut()
    expect((await running).map((result) => result.status)).toEqual(['rejected', 'rejected', 'rejected'])
    const { rows } = await two.as(two.b, () => pool.query('select distinct tenant_id from documents'))
    expect(rows).toEqual([{ tenant_id: two.b.id }])
  })

  it('are refused where temporary objects may be made', async () => {
    await two.database.admin(`grant temporary on database ${two.database.name} to tenant_user`)
    const other = two.pool({ pipelinedConnections: 1 })
    await expect(two.as(two.a, () => other.query('select 1'))).rejects.toMatchObject({
      code: 'PARTYWALL_CONFIGURATION',
    })
    await other.close({ timeoutMs: 500 })
    await two.database.admin(`revoke temporary on database ${two.database.name} from tenant_user`)
  })
})
