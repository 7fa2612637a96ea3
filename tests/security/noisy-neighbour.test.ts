import { beforeAll, describe, expect, it } from 'vitest'
import { TcpProxy } from '../setup/tcp-proxy.ts'
import { createTwoTenants, type TwoTenants } from '../setup/two-tenants.ts'

// Each test holds connections with locks that it releases itself: nothing here depends on how fast the machine is.
let two: TwoTenants
beforeAll(async () => {
  two = await createTwoTenants()
})

const HELD = 'select pg_advisory_xact_lock_shared(4711)'
const HANDS = 4

/** Keeps all who ask for the lock waiting until it is let go. */
async function holdLock(): Promise<() => Promise<void>> {
  const { default: pg } = await import('pg')
  const client = new pg.Client({ connectionString: two.database.adminUrl })
  await client.connect()
  await client.query('select pg_advisory_lock(4711)')
  return () => client.end()
}

async function waitingForTheLock(): Promise<number> {
  const { rows } = await two.database.admin(
    "select count(*)::int as waiting from pg_stat_activity where datname = current_database() and wait_event = 'advisory'",
  )
  return rows[0]?.waiting
}

describe('a tenant that floods the pool', () => {
  it('holds no more than its share, and its neighbour is served meanwhile', async () => {
    const pool = two.pool({ max: HANDS, perTenantConnections: 2, perTenantWaitMs: 60_000 })
    const release = await holdLock()
    const flood = Array.from({ length: 20 }, () => two.as(two.a, () => pool.query(HELD)))
    await expect.poll(waitingForTheLock).toBe(2)
    const neighbour = await two.as(two.b, () => Promise.all([1, 2, 3].map(() => pool.query('select 1 as n'))))
    expect(neighbour.map(({ rows }) => rows)).toEqual([[{ n: 1 }], [{ n: 1 }], [{ n: 1 }]])
    expect(await waitingForTheLock()).toBe(2)
    await release()
    // What had to wait was not lost.
    expect(await Promise.all(flood)).toHaveLength(20)
    await pool.end()
  })

  it('holds three quarters of the pool by default, and is served in turns with its neighbours', async () => {
    const pool = two.pool({ max: HANDS, perTenantWaitMs: 60_000 })
    const release = await holdLock()
    const flood = Array.from({ length: 20 }, () => two.as(two.a, () => pool.query(HELD)))
    await expect.poll(waitingForTheLock).toBe(HANDS - 1)
    expect((await two.as(two.b, () => pool.query('select 1 as n'))).rows).toEqual([{ n: 1 }])
    expect(pool.waitingCount).toBe(20 - (HANDS - 1))
    await release()
    await Promise.all(flood)
    expect(pool.waitingCount).toBe(0)
    await pool.end()
  })

  it('with a long queue is served as often as a tenant with one statement', async () => {
    const pool = two.pool({ max: 1, perTenantWaitMs: 60_000 })
    const order: string[] = []
    const ask = (tenant: typeof two.a, name: string) =>
      two.as(tenant, () => pool.query('select 1')).then(() => order.push(name))
    await Promise.all([
      ...Array.from({ length: 50 }, () => ask(two.a, 'a')),
      ...Array.from({ length: 3 }, () => ask(two.b, 'b')),
    ])
    expect(order.slice(0, 7).filter((name) => name === 'b').length, order.join('')).toBeGreaterThanOrEqual(2)
    await pool.end()
  })

  it('is told why, where pool.query() waits for a connection that its own transaction holds', async () => {
    const pool = two.pool({ max: 1, perTenantWaitMs: 200 })
    const nested = two.as(two.a, () => pool.transaction(() => pool.query('select 1')))
    await expect(nested).rejects.toMatchObject({
      code: 'PARTYWALL_DEPENDENCY_UNAVAILABLE',
      message: expect.stringContaining('pool.transaction(fn)'),
    })
    expect((await two.as(two.a, () => pool.query('select 1 as n'))).rows).toEqual([{ n: 1 }])
    await pool.end()
  })

  it('is told that it is too much after the deadline, first come first served before it', async () => {
    const pool = two.pool({ max: HANDS, perTenantConnections: 1, perTenantWaitMs: 150 })
    const release = await holdLock()
    const first = two.as(two.a, () => pool.query(HELD))
    await expect.poll(waitingForTheLock).toBe(1)
    const late = await two.as(two.a, () => pool.query('select 1')).catch((error: unknown) => error)
    expect(late).toMatchObject({ code: 'PARTYWALL_DEPENDENCY_UNAVAILABLE', status: 503 })
    await release()
    await first
    await pool.end()

    const patient = two.pool({ max: HANDS, perTenantConnections: 1, perTenantWaitMs: 60_000 })
    const order: number[] = []
    const all = [1, 2, 3, 4, 5].map((number) =>
      two.as(two.a, () => patient.query('select 1')).then(() => order.push(number)),
    )
    await Promise.all(all)
    expect(order).toEqual([1, 2, 3, 4, 5])
    await patient.end()
  })

  it('gets its share back whatever became of its queries: errors, transactions, broken and refused connections', async () => {
    const proxy = await TcpProxy.start(two.database.appUrl)
    const pool = two.pool({ connectionString: proxy.url, max: 2, perTenantConnections: 1, perTenantWaitMs: 20_000 })
    pool.on('error', () => {})
    const fails = (call: () => Promise<unknown>) => two.as(two.a, call).then(() => expect.fail('it passed'), Boolean)
    for (let i = 0; i < 3; i++) {
      await fails(() => pool.query('select 1/0'))
      await fails(() =>
        pool.transaction(async (tx) => {
          await tx.query('select 1')
          throw new Error('changed its mind')
        }),
      )
      const cut = fails(() => pool.query('select pg_sleep(20)'))
      await expect.poll(() => proxy.connections).toBeGreaterThan(0)
      proxy.cut()
      await cut
      proxy.refuseNew = true
      await fails(() => pool.query('select 1'))
      proxy.refuseNew = false
    }
    expect((await two.as(two.a, () => pool.query('select 1 as n'))).rows).toEqual([{ n: 1 }])
    await pool.close({ timeoutMs: 1000 })
    await proxy.stop()
  })
})

describe('a connection that nobody releases', () => {
  it('is never taken outside of any context', async () => {
    const pool = two.pool({ max: 2 })
    for (let n = 0; n < 5; n++) {
      await expect(pool.connect()).rejects.toMatchObject({ code: 'PARTYWALL_CONTEXT_MISSING' })
      const called = new Promise((resolve) => pool.connect((error) => resolve(error)))
      expect(await called).toMatchObject({ code: 'PARTYWALL_CONTEXT_MISSING' })
    }
    expect(pool.totalCount).toBe(0)
    expect((await two.as(two.a, () => pool.query('select 1 as n'))).rows).toEqual([{ n: 1 }])
    await pool.end()
  })

  it('does not hold up close(), nor does what waits for it', async () => {
    const pool = two.pool({ max: 1, perTenantWaitMs: 60_000 })
    pool.on('error', () => {})
    const lost = await two.as(two.a, () => pool.connect())
    const waiting = two.as(two.a, () => pool.query('select 1')).catch((error: unknown) => error)
    await pool.close({ timeoutMs: 100 })
    expect(await waiting).toMatchObject({ code: 'PARTYWALL_CLOSED' })
    await expect(two.as(two.a, async () => lost.query('select 1'))).rejects.toThrow()
  })
})
