// What a tenant runs ends with its time-out and with its connection: nothing goes on in the server for nobody.
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import type { TenantPool } from '../../src/database/pool/create-tenant-pool.ts'
import type { TenantPoolOptions } from '../../src/database/settings/options.ts'
import { createTwoTenants, type TwoTenants } from '../setup/two-tenants.ts'

let two: TwoTenants
beforeAll(async () => {
  two = await createTwoTenants()
})
const pools: TenantPool[] = []
afterAll(() => Promise.all(pools.map((pool) => pool.close({ timeoutMs: 1_000 }))))

function makePool(options: Partial<TenantPoolOptions> = {}): TenantPool {
  const pool = two.pool(options)
  pool.on('error', () => {})
  pools.push(pool)
  return pool
}

const read = "select current_setting('statement_timeout') as statement, current_setting('lock_timeout') as lock"

describe('a tenant that takes the time-outs away inside a transaction', () => {
  const pinned = { statement: '5s', lock: '3s' }
  const times = { statementTimeoutMs: 5_000, lockTimeoutMs: 3_000 }

  it.each([
    ['for the transaction', 'true'],
    ['for the session', 'false'],
  ])('has them for one statement at most: %s', (_name, local) =>
    two.as(two.a, () =>
      makePool(times).transaction(async (tx) => {
        await tx.query('select 1')
        await tx.query(
          `select set_config('statement_timeout', '0', ${local}), set_config('lock_timeout', '0', ${local})`,
        )
        expect((await tx.query(read)).rows).toEqual([pinned])
        const nested = tx.transaction(async (inner) => (await inner.query(read)).rows)
        expect(await nested).toEqual([pinned])
      }),
    ),
  )

  it('meets the time-out again with its next statement', () =>
    two.as(two.a, async () => {
      const pool = makePool({ statementTimeoutMs: 300 })
      const slow = pool.transaction(async (tx) => {
        await tx.query("select set_config('statement_timeout', '0', true)")
        await tx.query('select pg_sleep(60)')
      })
      await expect(slow).rejects.toMatchObject({ code: '57014' })
    }))
})

describe('the application’s own SET LOCAL', () => {
  const own = async (statements: readonly string[]) =>
    two.as(two.a, () =>
      makePool({ statementTimeoutMs: 5_000 }).transaction(async (tx) => {
        for (const text of statements) await tx.query(text)
        return (await tx.query(read)).rows[0]?.statement
      }),
    )
  const injected = "select set_config('statement_timeout', '0', true)"

  it.each([
    [["set local statement_timeout = '7s'", injected], '7s'],
    [['set local statement_timeout to 7000;', injected], '7s'],
    [['select 1', "/* why */ SET LOCAL Statement_Timeout TO '2min'", injected, injected], '2min'],
    [["set local statement_timeout = '7s'", 'set local statement_timeout to default', injected], '5s'],
    [["set local lock_timeout = '7s'", injected], '5s'],
    [['savepoint a', "set local statement_timeout = '7s'", 'rollback to a', injected], '5s'],
    [
      [
        "set local statement_timeout = '7s'",
        'savepoint a',
        'set local statement_timeout = 1',
        'rollback to savepoint a',
        injected,
      ],
      '7s',
    ],
    [['savepoint a', "set local statement_timeout = '7s'", 'release a', injected], '7s'],
    // A spelling that is not read here stays as the application set it.
    [['select 1', "set local statement_timeout = E'7s'", 'select 1'], '7s'],
  ])('holds for the statements behind it: %j', async (statements, wanted) => {
    expect(await own(statements)).toBe(wanted)
  })

  it('ends with its transaction, also by COMMIT AND CHAIN', () =>
    two.as(two.a, async () => {
      const client = await makePool({ statementTimeoutMs: 5_000 }).connect()
      await client.query('begin')
      await client.query("set local statement_timeout = '7s'")
      await client.query('commit and chain')
      await client.query('select 1')
      expect((await client.query(read)).rows[0]?.statement).toBe('5s')
      await client.query('rollback')
      client.release()
    }))
})

describe('a statement whose connection is destroyed', () => {
  const busy = async (mark: string) =>
    (
      await two.database.admin('select pid from pg_stat_activity where query like $1 and state = $2', [
        `%${mark}%`,
        'active',
      ])
    ).rowCount

  it.each([
    ['by pool.close()', (pool: TenantPool) => pool.close({ timeoutMs: 1 })],
    ['by the release of a client that is still busy', async (_pool: TenantPool, release: () => void) => release()],
  ])('is cancelled on the server: %s', async (name, end) => {
    const pool = makePool({ statementTimeoutMs: 0 })
    const mark = `orphan ${name}`
    await two.as(two.a, async () => {
      const client = await pool.connect()
      const running = client.query(`select pg_sleep(600) /* ${mark} */`)
      await expect.poll(() => busy(mark), { timeout: 10_000 }).toBe(1)
      const ended = expect(running).rejects.toThrow()
      await end(pool, () => client.release())
      await ended
      await expect.poll(() => busy(mark), { timeout: 10_000 }).toBe(0)
    })
  })
})
