// What an ORM or a library does with pg.Pool: the same tests against raw pg and against ours. What differs on purpose stands
// at the end, each with its reason.
import { once } from 'node:events'
import pg from 'pg'
import Cursor from 'pg-cursor'
import QueryStream from 'pg-query-stream'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { runWithTenant } from '../../src/context/run-with-tenant.ts'
import { createTenantPool } from '../../src/database/pool/create-tenant-pool.ts'
import { silentLogger } from '../../src/logger/logger.ts'
import { createTestDatabase, type TestDatabase } from '../setup/database.ts'

let database: TestDatabase
const TENANT = { tenantId: '00000000-0000-0000-0000-00000000000a', userId: 'u' }

beforeAll(async () => {
  database = await createTestDatabase()
  await database.admin(
    'create table public.things (id int primary key, name text unique, at timestamptz, tags text[], doc jsonb)',
  )
  await database.admin('grant select, insert, update, delete on public.things to tenant_user')
})

type Options = pg.PoolConfig

const makers = {
  raw: (options: Options): pg.Pool => new pg.Pool({ connectionString: database.adminUrl, ...options }),
  ours: (options: Options): pg.Pool =>
    createTenantPool({
      connectionString: database.appUrl,
      seal: { secret: database.sealSecret },
      roles: {},
      logger: silentLogger,
      ...options,
    }),
}

describe.each(['raw', 'ours'] as const)('pg.Pool as libraries use it: %s', (side) => {
  const pools: pg.Pool[] = []
  const make = (options: Options = {}): pg.Pool => {
    const pool = makers[side]({ max: 2, ...options })
    pool.on('error', () => {})
    pools.push(pool)
    return pool
  }
  afterAll(() => Promise.all(pools.filter((pool) => !pool.ending).map((pool) => pool.end())))
  const test = (name: string, fn: () => Promise<void>) => it(name, () => runWithTenant(TENANT, fn))

  test('answers with rows, fields, command and count', async () => {
    const pool = make()
    const result = await pool.query('select 1::int as one, $1::text as two', ['x'])
    expect(result.rows).toEqual([{ one: 1, two: 'x' }])
    expect(result.fields.map((field) => [field.name, field.dataTypeID])).toEqual([
      ['one', 23],
      ['two', 25],
    ])
    expect([result.command, result.rowCount]).toEqual(['SELECT', 1])
    const inserted = await pool.query('insert into things (id) values (1) on conflict do nothing returning id')
    expect(inserted.command).toBe('INSERT')
  })

  test('answers callbacks, with and without values', async () => {
    const pool = make()
    const plain = await new Promise((resolve, reject) =>
      pool.query('select 7 as n', (error: Error | null, result: pg.QueryResult) =>
        error ? reject(error) : resolve(result.rows),
      ),
    )
    const withValues = await new Promise((resolve, reject) =>
      pool.query('select $1::int as n', [8], (error, result) => (error ? reject(error) : resolve(result.rows))),
    )
    expect([plain, withValues]).toEqual([[{ n: 7 }], [{ n: 8 }]])
    const error = await new Promise((resolve) => pool.query('select 1/0', (problem: Error) => resolve(problem)))
    expect(error).toMatchObject({ code: '22012' })
  })

  test('takes a config with a name, a row mode and types', async () => {
    const pool = make({ max: 1 })
    const named = { name: 'by-number', text: 'select $1::int as n' }
    expect((await pool.query({ ...named, values: [1] })).rows).toEqual([{ n: 1 }])
    expect((await pool.query({ ...named, values: [2] })).rows).toEqual([{ n: 2 }])
    await expect(pool.query({ name: 'by-number', text: 'select 2' })).rejects.toThrow(/must be unique/)
    expect((await pool.query({ text: 'select 1, 2', rowMode: 'array' })).rows).toEqual([[1, 2]])
    const types = { getTypeParser: () => (value: unknown) => `<${String(value)}>` }
    expect((await pool.query({ text: 'select 1 as n', types })).rows).toEqual([{ n: '<1>' }])
  })

  test('keeps a named statement that failed to parse usable', async () => {
    const pool = make({ max: 1 })
    for (let round = 0; round < 2; round++) {
      await expect(pool.query({ name: 'broken', text: 'select * from nowhere' })).rejects.toMatchObject({
        code: '42P01',
      })
    }
    expect((await pool.query({ name: 'broken2', text: 'select 1 as n' })).rows).toEqual([{ n: 1 }])
  })

  test('reads dates, arrays, json, numeric, bytea and null as pg does', async () => {
    const { rows } = await make().query(
      "select timestamptz '2024-01-02T03:04:05Z' as at, array['a','b'] as tags, '{\"x\":[1]}'::jsonb as doc, 1.50::numeric as n, '\\x0102'::bytea as b, null as z, 9007199254740993 as big",
    )
    expect(rows).toEqual([
      {
        at: new Date('2024-01-02T03:04:05Z'),
        tags: ['a', 'b'],
        doc: { x: [1] },
        n: '1.50',
        b: Buffer.from([1, 2]),
        z: null,
        big: '9007199254740993',
      },
    ])
  })

  test('writes dates, arrays, objects, buffers, undefined as pg does', async () => {
    const { rows } = await make().query(
      'select $1::timestamptz as at, $2::text[] as tags, $3::jsonb as doc, $4::bytea as b, $5::text as z',
      [new Date(0), ['a', null], { x: 1 }, Buffer.from('hi'), undefined],
    )
    expect(rows).toEqual([{ at: new Date(0), tags: ['a', null], doc: { x: 1 }, b: Buffer.from('hi'), z: null }])
  })

  test('gives error objects with their fields', async () => {
    const pool = make()
    await pool.query("insert into things (id, name) values (10, 'ten') on conflict do nothing")
    const error: unknown = await pool
      .query("insert into things (id, name) values (11, 'ten')")
      .catch((problem) => problem)
    expect(error).toBeInstanceOf(pg.DatabaseError)
    expect(error).toMatchObject({
      code: '23505',
      table: 'things',
      schema: 'public',
      constraint: 'things_name_key',
      severity: 'ERROR',
    })
  })

  test('fails a value that can’t be sent, and goes on', async () => {
    const pool = make({ max: 1 })
    const circular: Record<string, unknown> = {}
    circular['self'] = circular
    await expect(pool.query('select $1::jsonb', [circular])).rejects.toThrow(/circular/i)
    expect((await pool.query('select 1 as n')).rows).toEqual([{ n: 1 }])
  })

  test('checks out clients, counts them, and takes them back', async () => {
    const pool = make()
    const client = await pool.connect()
    expect([pool.totalCount, pool.idleCount, pool.waitingCount]).toEqual([1, 0, 0])
    await client.query('begin')
    await client.query('insert into things (id) values (20)')
    await client.query('rollback')
    client.release()
    expect([pool.totalCount, pool.idleCount]).toEqual([1, 1])
    expect(() => client.release()).toThrow(/already been released/)
    const other = await pool.connect()
    other.release(new Error('broken'))
    expect(pool.totalCount).toBe(0)
  })

  test('hands clients to callbacks, with a done function', async () => {
    const pool = make()
    const rows = await new Promise((resolve, reject) =>
      pool.connect((error, client, done) => {
        if (error || client === undefined) return reject(error)
        void client.query('select 3 as n', (problem: Error, result: pg.QueryResult) => {
          done()
          if (problem) reject(problem)
          else resolve(result.rows)
        })
      }),
    )
    expect(rows).toEqual([{ n: 3 }])
    expect(pool.idleCount).toBe(1)
  })

  test('emits connect, acquire, release and remove', async () => {
    const pool = make()
    const heard: string[] = []
    for (const event of ['connect', 'acquire', 'release', 'remove'] as const)
      pool.on(event as 'connect', () => heard.push(event))
    const client = await pool.connect()
    const removed = once(pool, 'remove')
    client.release(true)
    await removed
    expect(heard).toEqual(['connect', 'acquire', 'release', 'remove'])
  })

  test('lets listeners of connect and onConnect set the session up, and keeps that for later work', async () => {
    const pool = make({
      max: 1,
      onConnect: (client: pg.ClientBase) => void client.query("set datestyle = 'German, DMY'"),
    })
    pool.on('connect', (client) => void client.query("set timezone = 'Asia/Tokyo'"))
    for (let round = 0; round < 2; round++) {
      const { rows } = await pool.query(
        "select current_setting('timezone') as zone, current_setting('datestyle') as style",
      )
      expect(rows).toEqual([{ zone: 'Asia/Tokyo', style: 'German, DMY' }])
    }
  })

  test('reads by cursor in batches', async () => {
    const client = await make().connect()
    const cursor = client.query(new Cursor('select n from generate_series(1, 5) as n'))
    expect((await cursor.read(2)).map((row) => row.n)).toEqual([1, 2])
    expect((await cursor.read(10)).map((row) => row.n)).toEqual([3, 4, 5])
    await cursor.close()
    expect((await client.query('select 1 as n')).rows).toEqual([{ n: 1 }])
    client.release()
  })

  test('streams rows, and a stream that fails leaves the client usable', async () => {
    const client = await make().connect()
    const seen: number[] = []
    for await (const row of client.query(new QueryStream('select n from generate_series(1, 250) as n')))
      seen.push(row.n)
    expect(seen).toHaveLength(250)
    const failing = client.query(new QueryStream('select 1/(3-n) from generate_series(1, 5) as n'))
    await expect(
      (async () => {
        for await (const _ of failing) {
        }
      })(),
    ).rejects.toMatchObject({ code: '22012' })
    client.release()
  })

  test('runs a pg.Query with its events', async () => {
    const client = await make().connect()
    const query = client.query(new pg.Query('select n from generate_series(1, 3) as n'))
    const rows: unknown[] = []
    query.on('row', (row) => rows.push(row))
    await once(query, 'end')
    expect(rows).toEqual([{ n: 1 }, { n: 2 }, { n: 3 }])
    const failing = client.query(new pg.Query('select 1/0'))
    const [error] = await once(failing, 'error')
    expect(error).toMatchObject({ code: '22012' })
    client.release()
  })

  test('runs statements of one client in order, also when asked at once', async () => {
    const client = await make().connect()
    const order: number[] = []
    await Promise.all([1, 2, 3].map((n) => client.query('select pg_sleep(0.01)').then(() => order.push(n))))
    expect(order).toEqual([1, 2, 3])
    client.release()
  })

  test('says what status a transaction has', async () => {
    const client = await make().connect()
    await client.query('begin')
    expect(client.getTransactionStatus()).toBe('T')
    await client.query('select 1/0').catch(() => {})
    await expect(client.query('select 1')).rejects.toMatchObject({ code: '25P02' })
    expect(client.getTransactionStatus()).toBe('E')
    await client.query('rollback')
    expect(client.getTransactionStatus()).toBe('I')
    client.release()
  })

  test('takes savepoints, isolation levels and chained transactions', async () => {
    const client = await make().connect()
    await client.query('begin')
    await client.query('set transaction isolation level serializable')
    await client.query('insert into things (id) values (30)')
    await client.query('savepoint s')
    await client.query('select 1/0').catch(() => {})
    await client.query('rollback to savepoint s')
    expect((await client.query('select id from things where id = 30')).rowCount).toBe(1)
    await client.query('rollback and chain')
    expect((await client.query('select id from things where id = 30')).rowCount).toBe(0)
    expect((await client.query('show transaction_isolation')).rows[0]).toEqual({
      transaction_isolation: 'serializable',
    })
    await client.query('commit')
    client.release()
  })

  test('gives notices to listeners', async () => {
    const client = await make({ onConnect: () => {} }).connect()
    const notice = once(client, 'notice')
    await client.query('rollback')
    expect((await notice)[0].message).toMatch(/no transaction/)
    client.release()
  })

  test('waits for a connection, and gives up after connectionTimeoutMillis', async () => {
    const pool = make({ max: 1, connectionTimeoutMillis: 1_000 })
    const client = await pool.connect()
    await expect(pool.query('select 1')).rejects.toThrow(/timeout exceeded/)
    const waiting = pool.query('select 1 as n')
    client.release()
    expect((await waiting).rows).toEqual([{ n: 1 }])
  })

  test('answers an empty text, and refuses null and a function', async () => {
    const pool = make()
    expect((await pool.query('')).rows).toEqual([])
    const client = await pool.connect()
    expect(() => Reflect.apply(client.query, client, [null])).toThrow(TypeError)
    client.release()
    const error = await new Promise((resolve) => Reflect.apply(pool.query, pool, [resolve]))
    expect(error).toMatchObject({ message: expect.stringMatching(/function/) })
  })

  test('ends: waits for what runs, then takes nothing more', async () => {
    const pool = make()
    const running = pool.query('select pg_sleep(0.05)')
    await pool.end()
    await running
    expect(pool.ended).toBe(true)
    await expect(pool.query('select 1')).rejects.toThrow(/pool/)
    await expect(pool.end()).rejects.toThrow(/more than once/)
  })

  test('shows its options', async () => {
    const pool = make({ max: 3, application_name: 'x' })
    expect(pool.options).toMatchObject({ max: 3, application_name: 'x', idleTimeoutMillis: 10_000 })
    expect(JSON.stringify(pool.options)).not.toContain(database.sealSecret)
  })

  test('reports an idle client that the server ended', async () => {
    const pool = make()
    const { rows } = await pool.query('select pg_backend_pid() as pid')
    await expect.poll(() => pool.idleCount).toBe(1)
    const failed = once(pool, 'error')
    await database.admin('select pg_terminate_backend($1)', [rows[0].pid])
    await failed
    expect(pool.totalCount).toBe(0)
  })

  test('passes a read time-out', async () => {
    const pool = make({ max: 1 })
    await expect(pool.query({ text: 'select pg_sleep(2)', query_timeout: 30 } as pg.QueryConfig)).rejects.toThrow(
      /timeout/,
    )
  })
})

describe('what differs from pg.Pool, and why', () => {
  const open = (options: Options = {}) => makers.ours({ max: 1, ...options })

  it('refuses stacked statements: an injection could add one', () =>
    runWithTenant(TENANT, async () => {
      const pool = open()
      await expect(pool.query('select 1; select 2')).rejects.toMatchObject({ code: 'PARTYWALL_STATEMENT_REFUSED' })
      await pool.end()
    }))

  it('keeps the connection after a plain error: a unique violation costs no reconnect', () =>
    runWithTenant(TENANT, async () => {
      const pool = open()
      await pool.query('select 1')
      await pool.query('select 1/0').catch(() => {})
      expect(pool.totalCount).toBe(1)
      await pool.end()
    }))

  it('refuses BEGIN on the pool: the next query would get another connection', () =>
    runWithTenant(TENANT, async () => {
      const pool = open()
      await expect(pool.query('BEGIN')).rejects.toMatchObject({ code: 'PARTYWALL_STATEMENT_REFUSED' })
      await pool.end()
    }))

  it('destroys a client that is released inside a transaction: pg would hand the transaction on', () =>
    runWithTenant(TENANT, async () => {
      const pool = open()
      const client = await pool.connect()
      await client.query('begin')
      client.release()
      expect(pool.totalCount).toBe(0)
      await pool.end()
    }))

  it('needs a context for each query', async () => {
    const pool = open()
    await expect(pool.query('select 1')).rejects.toMatchObject({ code: 'PARTYWALL_CONTEXT_MISSING' })
    await expect(pool.connect()).rejects.toMatchObject({ code: 'PARTYWALL_CONTEXT_MISSING' })
    const client = await runWithTenant({ tenantId: 'a', userId: 'u' }, () => pool.connect())
    await expect(client.query('select 1')).rejects.toMatchObject({ code: 'PARTYWALL_CONTEXT_MISSING' })
    client.release()
    await pool.end()
  })

  it('runs callbacks in the context of the caller: pg runs them in that of whoever freed the connection', async () => {
    const pool = open()
    const blocker = await runWithTenant({ tenantId: 'a', userId: 'u' }, () => pool.connect())
    const seen = runWithTenant(
      { tenantId: 'b', userId: 'u' },
      () =>
        new Promise((resolve) => {
          void pool.query(
            "select current_setting('app.current_tenant_id') as t",
            (_error: Error, result: pg.QueryResult) => {
              void pool.query(
                "select current_setting('app.current_tenant_id') as t",
                (_again: Error, second: pg.QueryResult) => resolve([result.rows[0].t, second.rows[0].t]),
              )
            },
          )
        }),
    )
    runWithTenant({ tenantId: 'a', userId: 'u' }, () => blocker.release())
    expect(await seen).toEqual(['b', 'b'])
    await pool.end()
  })
})
