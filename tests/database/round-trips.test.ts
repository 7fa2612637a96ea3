import { beforeAll, describe, expect, it } from 'vitest'
import { runWithTenant } from '../../src/context/run-with-tenant.ts'
import { createTenantPool, type TenantPool } from '../../src/database/pool/create-tenant-pool.ts'
import { silentLogger } from '../../src/logger/logger.ts'
import { afterFile } from '../setup/after-file.ts'
import { createTestDatabase, createTestTenant, type TestDatabase, type TestTenant } from '../setup/database.ts'
import { untilTicketsKnown } from '../setup/known-tickets.ts'
import { TcpProxy } from '../setup/tcp-proxy.ts'

let database: TestDatabase
let a: TestTenant
let b: TestTenant

beforeAll(async () => {
  database = await createTestDatabase()
  a = await createTestTenant(database)
  b = await createTestTenant(database)
})

describe.each([
  { name: 'sealed', sealed: true },
  { name: 'unsealed', sealed: false },
])('round trips on the wire, $name', ({ sealed }) => {
  let proxy: TcpProxy & { url: string }
  let pool: TenantPool

  beforeAll(async () => {
    proxy = await TcpProxy.start(database.appUrl)
    pool = createTenantPool({
      connectionString: proxy.url,
      max: 1,
      seal: sealed ? { secret: database.sealSecret } : false,
      roles: { tenant_admin: ['owner'] },
      statementTimeoutMs: 300,
      logger: silentLogger,
    })
    if (sealed) await untilTicketsKnown(pool, [a, b])
    await as(a, () => pool.query('select 1'))
    afterFile(async () => {
      await pool.end()
      await proxy.stop()
    })
  })

  const as = <T>(tenant: TestTenant, fn: () => Promise<T>, roles: string[] = []): Promise<T> =>
    runWithTenant({ tenantId: tenant.id, userId: 'u', roles }, fn)

  async function measured(fn: () => Promise<unknown>) {
    proxy.reset()
    await fn()
    return { trips: proxy.roundTrips, sequence: proxy.sequence, writes: proxy.writes }
  }

  it('is one for a query, in one write: RESET ALL, context, then the user’s messages, then one Sync', async () => {
    expect(await measured(() => as(a, () => pool.query('select $1::int', [1])))).toEqual({
      trips: 1,
      sequence: 'BEBEPBDES',
      writes: 1,
    })
  })

  it('is one for a query of another tenant than the last, with the clean-up in front', async () => {
    await as(a, () => pool.query('select 1'))
    expect(await measured(() => as(b, () => pool.query('select 1')))).toEqual({
      trips: 1,
      sequence: 'BEBEBEBEPBDES',
      writes: 1,
    })
    await as(a, () => pool.query('select 1'))
  })

  it('is one with another role, one for a named statement, one for an error', async () => {
    expect((await measured(() => as(a, () => pool.query('select current_role'), ['owner']))).trips).toBe(1)
    const named = () => as(a, () => pool.query({ name: 'n', text: 'select 1' }))
    expect((await measured(named)).trips).toBe(1)
    expect((await measured(named)).sequence).toBe('BEBEBES')
    expect(
      (await measured(() => as(a, () => expect(pool.query('select 1/0')).rejects.toMatchObject({ code: '22012' }))))
        .trips,
    ).toBe(1)
  })

  it('is one for a statement that the server’s time-out ends, and its connection goes on', async () => {
    const slow = () => as(a, () => expect(pool.query('select pg_sleep(5)')).rejects.toMatchObject({ code: '57014' }))
    expect((await measured(slow)).trips).toBe(1)
    const { totalCount } = pool
    await as(a, () => pool.query('select 1'))
    expect(pool.totalCount).toBe(totalCount)
  })

  it('is one per statement of a transaction, and BEGIN goes first', async () => {
    const work = () =>
      as(a, () =>
        pool.transaction(async (tx) => {
          await tx.query('select 1')
          await tx.query('select 2')
        }),
      )
    const { trips, sequence } = await measured(work)
    expect(trips).toBe(4)
    expect(sequence).toBe('BEBEBEBEPBDESBEPBDESBEPBDESPBDES')
  })

  it('is none for what is refused', async () => {
    expect(
      (
        await measured(() =>
          expect(pool.query('select 1')).rejects.toMatchObject({ code: 'PARTYWALL_CONTEXT_MISSING' }),
        )
      ).sequence,
    ).toBe('')
    expect(
      (
        await measured(() =>
          as(a, () =>
            expect(pool.query('do $$ begin end $$')).rejects.toMatchObject({ code: 'PARTYWALL_STATEMENT_REFUSED' }),
          ),
        )
      ).sequence,
    ).toBe('')
  })
})
