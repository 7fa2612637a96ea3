// What pg does with its own options, errors and callbacks, the tenant pool does too.
import pg from 'pg'
import Cursor from 'pg-cursor'
import QueryStream from 'pg-query-stream'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { createTenantPool, type TenantPool } from '../../src/database/pool/create-tenant-pool.ts'
import type { TenantPoolOptions } from '../../src/database/settings/options.ts'
import { silentLogger } from '../../src/logger/logger.ts'
import { createTwoTenants, type TwoTenants } from '../setup/two-tenants.ts'

let two: TwoTenants
beforeAll(async () => {
  two = await createTwoTenants()
})
const pools: TenantPool[] = []
afterAll(() => Promise.all(pools.map((pool) => pool.close({ timeoutMs: 1_000 }))))

function makePool(options: Partial<TenantPoolOptions> = {}): TenantPool {
  const pool = createTenantPool({
    connectionString: two.database.appUrl,
    seal: { secret: two.database.sealSecret },
    roles: { tenant_admin: ['owner'] },
    max: 3,
    logger: silentLogger,
    ...options,
  })
  pool.on('error', () => {})
  pools.push(pool)
  return pool
}

const timeOuts = (pool: TenantPool) =>
  two.as(two.a, async () => {
    const { rows } = await pool.query(
      "select current_setting('statement_timeout') s, current_setting('lock_timeout') l, current_setting('idle_in_transaction_session_timeout') i",
    )
    return rows[0]
  })

describe('pg’s own time-out options', () => {
  const given = { statement_timeout: 1234, lock_timeout: 777, idle_in_transaction_session_timeout: 4321 }
  const wanted = { s: '1234ms', l: '777ms', i: '4321ms' }

  it('are the defaults of the wall’s', async () => {
    expect(await timeOuts(makePool(given))).toEqual(wanted)
  })

  it('are the defaults of the wall’s from a connection string too', async () => {
    const url = new URL(two.database.appUrl)
    for (const [name, value] of Object.entries(given)) url.searchParams.set(name, String(value))
    expect(await timeOuts(makePool({ connectionString: url.href }))).toEqual(wanted)
  })

  it('are what RESET ALL returns to', async () => {
    const pool = makePool({ ...given, max: 1 })
    await two.as(two.a, () => pool.query("select set_config('idle_in_transaction_session_timeout', '0', false)"))
    expect(await timeOuts(pool)).toEqual(wanted)
  })

  it.each([
    [{ statement_timeout: 1_000, statementTimeoutMs: 2_000 }, 'statementTimeoutMs'],
    [{ lock_timeout: 1_000, lockTimeoutMs: 2_000 }, 'lockTimeoutMs'],
    [{ idle_in_transaction_session_timeout: 1, idleInTransactionTimeoutMs: 2 }, 'idleInTransactionTimeoutMs'],
    [{ statement_timeout: 0, statementTimeoutMs: 2_000 }, 'statementTimeoutMs'],
    [{ options: '-c statement_timeout=5s' }, 'statementTimeoutMs'],
    [{ options: '-cgeqo=off --lock-timeout=5s' }, 'lockTimeoutMs'],
    [{ options: '-c app.x=a\\ -c\\ y -c search_path=mine' }, 'searchPath'],
    [{ options: '-c app.current_tenant_id=x' }, 'runWithTenant'],
  ] as const)('are refused together with the wall’s own, or among the start-up options: %o', (options, cure) => {
    expect(() => makePool(options)).toThrow(
      expect.objectContaining({ code: 'PARTYWALL_CONFIGURATION', message: expect.stringContaining(cure) }),
    )
  })

  it.each([
    ['url', 'connectionString'],
    ['databaseUrl', 'connectionString'],
    ['username', 'user'],
  ])('are named when another name was given: %s', (given, wanted) => {
    // pg ignores unknown names and would connect to localhost.
    expect(() => makePool({ [given]: 'x' })).toThrow(
      expect.objectContaining({ code: 'PARTYWALL_CONFIGURATION', message: expect.stringContaining(`give ${wanted}`) }),
    )
  })

  it('leave other start-up options alone', async () => {
    const pool = makePool({ options: '-c app.region=search_path=eu -c geqo=off' })
    const { rows } = await two.as(two.a, () =>
      pool.query("select current_setting('app.region') r, current_setting('geqo') g"),
    )
    expect(rows).toEqual([{ r: 'search_path=eu', g: 'off' }])
  })

  it('are refused for a client that a library makes with others than its pool has', () => {
    const pool = makePool()
    const config = { connectionString: two.database.appUrl, statement_timeout: 5 }
    expect(() => new pool.Client(config)).toThrow(/statementTimeoutMs/)
  })
})

describe('query_timeout', () => {
  const endless = 'select pg_sleep(60)'
  const sleepers = async () =>
    (await two.database.admin("select pid from pg_stat_activity where query like '%pg_sleep(60)' and state = 'active'"))
      .rowCount

  it.each([
    ['a cursor', (client: pg.PoolClient) => client.query(new Cursor(endless)).read(1)],
    ['a stream', (client: pg.PoolClient) => client.query(new QueryStream(endless)).toArray()],
    [
      'a pg.Query',
      (client: pg.PoolClient) =>
        new Promise((resolve, reject) => {
          client.query(new pg.Query(endless, (error?: Error) => (error ? reject(error) : resolve(undefined))))
        }),
    ],
  ] as const)('ends %s that the server does not answer, and what it does there', async (_name, run) => {
    const pool = makePool({ query_timeout: 200 })
    await two.as(two.a, async () => {
      const client = await pool.connect()
      await expect(run(client)).rejects.toThrow('Query read timeout')
      client.release()
      await expect.poll(sleepers, { timeout: 10_000 }).toBe(0)
      expect((await pool.query('select 1 as one')).rows).toEqual([{ one: 1 }])
    })
  })

  it('lets a cursor wait for its reader', async () => {
    const pool = makePool({ query_timeout: 150 })
    await two.as(two.a, async () => {
      const [client, other] = [await pool.connect(), await pool.connect()]
      const cursor = client.query(new Cursor<{ n: number }>('select n from generate_series(1, 3) n'))
      expect(await cursor.read(1)).toEqual([{ n: 1 }])
      // By then the reader has waited for longer than the limit.
      await expect(other.query(endless)).rejects.toThrow('Query read timeout')
      other.release()
      await expect(pool.query(endless)).rejects.toThrow('Query read timeout')
      expect(await cursor.read(5)).toEqual([{ n: 2 }, { n: 3 }])
      await cursor.close()
      client.release()
    })
  })
})

it('answerTimeoutMs lets a cursor wait for its reader', async () => {
  const pool = makePool({ answerTimeoutMs: 1_000 })
  await two.as(two.a, async () => {
    const client = await pool.connect()
    const cursor = client.query(new Cursor<{ n: number }>('select n from generate_series(1, 3) n'))
    expect(await cursor.read(1)).toEqual([{ n: 1 }])
    // The clock of both counts from here: by the time that the silent one is found the reader has waited too long.
    await expect(pool.query(endlessly)).rejects.toMatchObject({ code: 'PARTYWALL_CONNECTION_IN_DOUBT' })
    expect(await cursor.read(5)).toEqual([{ n: 2 }, { n: 3 }])
    await cursor.close()
    client.release()
  })
})
const endlessly = 'select pg_sleep(60)'

describe('an error of the server', () => {
  it('has the caller in its stack', async () => {
    const pool = makePool()
    const wrong = 'select 1 / (select 0)'
    async function theCaller(): Promise<void> {
      await pool.query(wrong)
    }
    async function theCallerOfAClient(): Promise<void> {
      const client = await pool.connect()
      try {
        await client.query(wrong)
      } finally {
        client.release()
      }
    }
    async function theCallerOfATransaction(): Promise<void> {
      await pool.transaction((transaction) => transaction.query(wrong))
    }
    await two.as(two.a, async () => {
      for (const call of [theCaller, theCallerOfAClient, theCallerOfATransaction])
        await expect(call()).rejects.toMatchObject({ code: '22012', stack: expect.stringContaining(call.name) })
    })
  })
})

describe('callbacks', () => {
  /** The arguments of a callback, an error and a result by what tells them apart. */
  const told = (given: readonly unknown[]) =>
    given.map((value) => {
      if (value instanceof Error) return `error ${Reflect.get(value, 'code')}`
      return value !== null && typeof value === 'object' ? `rows ${JSON.stringify(Reflect.get(value, 'rows'))}` : value
    })

  async function argumentsOf(pool: pg.Pool): Promise<unknown> {
    const client = await pool.connect()
    const ask = (run: (done: (...given: unknown[]) => void) => unknown) =>
      new Promise((resolve) => {
        const returned = run((...given) => resolve([told(given), returned === undefined]))
      })
    const answers = [
      await ask((done) => pool.query('select 1 as one', done)),
      await ask((done) => pool.query('select $1::int as one', [1], done)),
      await ask((done) => pool.query('select 1 / (select 0)', done)),
      await ask((done) => client.query('select 1 as one', done)),
      await ask((done) => client.query('select $1::int as one', [1], done)),
      await ask((done) => client.query('select 1 / (select 0)', done)),
      await ask((done) => Reflect.apply(pool.query, pool, [new pg.Query('select 1 as one'), done])),
      await ask((done) => void client.query(new pg.Query('select 1 as one', done))),
    ]
    client.release()
    return answers
  }

  it('get what pg’s get', async () => {
    const plain = new pg.Pool({ connectionString: two.database.appUrl })
    const wanted = await argumentsOf(plain)
    await plain.end()
    expect(await two.as(two.a, () => argumentsOf(makePool()))).toEqual(wanted)
  })
})

it('a pg.Query asks for a statement by the name that it has on the connection', async () => {
  const pool = makePool()
  await two.as(two.a, async () => {
    const client = await pool.connect()
    const byName = (name: string, values: unknown[]) =>
      new Promise<pg.QueryResult>((resolve, reject) => {
        const done = (error: Error | null, result: pg.QueryResult) => (error ? reject(error) : resolve(result))
        // pg takes a name alone; its type wants a text.
        client.query(Reflect.construct(pg.Query, [{ name, values }, done]))
      })
    await client.query({ name: 'titles', text: 'select title, $1::int as n from documents', values: [1] })
    const { rows } = await byName('titles', [2])
    expect(rows).toEqual([{ title: 'First document', n: 2 }])
    await expect(byName('unknown', [1])).rejects.toMatchObject({ code: '08P01' })
    client.release()
    expect((await pool.query('select 1 as one')).rows).toEqual([{ one: 1 }])
  })
})
