// A pipelined connection is discarded while the registration of a ticket is under way on it: it must be closed, and another one opened.
import { randomUUID } from 'node:crypto'
import { expect, it } from 'vitest'
import { runWithTenant } from '../../src/context/run-with-tenant.ts'
import { createTwoTenants } from '../setup/two-tenants.ts'

it('a discarded pipelined connection keeps its place for no registration', async () => {
  const two = await createTwoTenants()
  const pool = two.pool({ pipelinedConnections: 1 })
  const as = <T>(fn: () => Promise<T>) => runWithTenant({ tenantId: randomUUID(), userId: 'u' }, fn)
  for (let round = 0; round < 30; round++) {
    // Each tenant is new, so its ticket is registered behind its statement. The other statement has the connection discarded meanwhile.
    await Promise.allSettled([
      as(() => pool.query('select 1 as n')),
      as(() =>
        pool.query("select set_config('timezone', 'Asia/Tokyo', false), set_config('datestyle', 'German', false)"),
      ),
      as(() => pool.query('select 1 as n')),
    ])
    const { rows } = await as(() => pool.query('select 1 as n'))
    expect(rows).toEqual([{ n: 1 }])
  }
  await pool.end()
})
