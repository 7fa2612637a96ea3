// Code of the application that a query runs: values that write themselves, type parsers, levelOf, functions of the pool. It must see the
// caller's tenant, or none, and never that of whoever opened or freed the connection.
import { AsyncLocalStorage } from 'node:async_hooks'
import { once } from 'node:events'
import pg from 'pg'
import Cursor from 'pg-cursor'
import { beforeAll, describe, expect, it } from 'vitest'
import { runWithTenant, tryGetCurrentTenant } from '../../src/context/run-with-tenant.ts'
import { outsideOfTenants } from '../../src/context/store.ts'
import type { TenantPool } from '../../src/database/pool/create-tenant-pool.ts'
import type { TenantPoolOptions } from '../../src/database/settings/options.ts'
import type { TestTenant } from '../setup/database.ts'
import { createTwoTenants, type TwoTenants } from '../setup/two-tenants.ts'

let two: TwoTenants

beforeAll(async () => {
  two = await createTwoTenants()
})

const own = new AsyncLocalStorage<string>()
const here = () => `${tryGetCurrentTenant()?.tenantId ?? 'nobody'} ${own.getStore() ?? 'nothing'}`

/** Runs as a request of the tenant would, with a store of the application's own. */
const as = <T>(tenant: TestTenant, fn: () => T, roles?: readonly string[]): T =>
  own.run(`own ${tenant.id}`, () => two.as(tenant, fn, roles))
const seenBy = (tenant: TestTenant) => `${tenant.id} own ${tenant.id}`

/** B's query waits behind A's, on one connection that A opened; A frees it. */
async function behindA<T>(
  ask: (pool: TenantPool) => Promise<T>,
  options: Partial<TenantPoolOptions> = {},
): Promise<Awaited<T>> {
  const pool = two.pool(options)
  try {
    const first = as(two.a, () => pool.query('select pg_sleep(0.05)'))
    const second = as(two.b, () => ask(pool))
    await first
    return await second
  } finally {
    await pool.end()
  }
}

const tells = { toPostgres: () => here() }

describe('a value that writes itself is written by its caller', () => {
  it('in a query of the pool, in a list, as JSON, and behind values that pg writes', () =>
    behindA(async (pool) => {
      const json = { toJSON: here }
      const { rows } = await pool.query('select $1::text as own, $2::text[] as list, $3::json as json, $4::int as n', [
        tells,
        [tells, [here()].join()],
        json,
        4,
      ])
      const expected = seenBy(two.b)
      expect(rows).toEqual([{ own: expected, list: [expected, expected], json: expected, n: 4 }])
    }))

  it('is stored under the key of its own tenant', async () => {
    const secret = { toPostgres: () => `sealed for ${tryGetCurrentTenant()?.tenantId}` }
    await behindA((pool) => pool.query('insert into documents (title) values ($1)', [secret]))
    const { rows } = await two.database.admin("delete from documents where title like 'sealed for%' returning title")
    expect(rows).toEqual([{ title: `sealed for ${two.b.id}` }])
  })

  it('in a checked-out client, a transaction, a named and a prepared statement', () =>
    behindA(async (pool) => {
      const ask = async (client: pg.ClientBase) => {
        const named = await client.query({ name: 'own', text: 'select $1::text as own', values: [tells] })
        const plain = await client.query('select $1::text as own', [tells])
        return [named.rows[0].own, plain.rows[0].own]
      }
      const client = await pool.connect()
      expect(await ask(client)).toEqual([seenBy(two.b), seenBy(two.b)])
      client.release()
      expect(await pool.transaction((tx) => ask(tx.client))).toEqual([seenBy(two.b), seenBy(two.b)])
      const prepared = await pool.query({ text: 'select $1::text as own', values: [tells], prepare: true })
      expect(prepared.rows).toEqual([{ own: seenBy(two.b) }])
    }))

  it('in a callback query, a pg.Query and a cursor', () =>
    behindA(async (pool) => {
      const called = await new Promise((resolve, reject) => {
        pool.query('select $1::text as own', [tells], (error, result) =>
          error ? reject(error) : resolve(result.rows[0].own),
        )
      })
      expect(called).toBe(seenBy(two.b))
      const client = await pool.connect()
      const rows = await new Promise<unknown[]>((resolve, reject) => {
        const found: unknown[] = []
        const query = client.query(new pg.Query('select $1::text as own', [tells]))
        query.on('row', (row: { own: string }) => found.push(row.own, here()))
        query.on('error', reject)
        query.on('end', () => resolve(found))
      })
      expect(rows).toEqual([seenBy(two.b), seenBy(two.b)])
      const cursor = client.query(new Cursor('select $1::text as own', [tells]))
      expect(await cursor.read(1)).toEqual([{ own: seenBy(two.b) }])
      await cursor.close()
      client.release()
    }))

  it('on pipelined connections', () =>
    behindA(
      async (pool) => {
        const ask = async (tenant: TestTenant) => {
          const { rows } = await as(tenant, () => pool.query('select $1::text as own', [tells]))
          expect(rows).toEqual([{ own: seenBy(tenant) }])
        }
        await outsideOfTenants(() => Promise.all(Array.from({ length: 40 }, (_, n) => ask(n % 2 ? two.a : two.b))))
      },
      { pipelinedConnections: 1 },
    ))
})

describe('a type parser reads for its caller', () => {
  const TEXT = 25
  const types = {
    getTypeParser: (oid: number, format?: 'text') => {
      const asked = here()
      return oid === TEXT ? () => `${asked} | ${here()}` : pg.types.getTypeParser(oid, format)
    },
  } as pg.CustomTypesConfig

  it('of a query, of the pool, and of a cursor', async () => {
    const expected = `${seenBy(two.b)} | ${seenBy(two.b)}`
    await behindA(async (pool) => {
      const { rows } = await pool.query({ text: "select 'x'::text as own", types })
      expect(rows).toEqual([{ own: expected }])
    })
    await behindA(
      async (pool) => {
        expect((await pool.query("select 'x'::text as own")).rows).toEqual([{ own: expected }])
        const client = await pool.connect()
        const cursor = client.query(new Cursor("select 'x'::text as own from generate_series(1, 3)"))
        for (const row of await cursor.read(3)) expect(row).toEqual({ own: expected })
        await cursor.close()
        client.release()
      },
      { types },
    )
  })
})

describe('functions of the pool', () => {
  it('levelOf is asked in the caller’s context', async () => {
    const asked = new Set<string>()
    const levelOf = (context: { tenantId: string }) => {
      asked.add(`${context.tenantId} ${here()}`)
      return 'tenant_user' as const
    }
    await behindA((pool) => pool.query('select 1'), { levelOf })
    expect(asked).toEqual(new Set([two.a, two.b].map((tenant) => `${tenant.id} ${seenBy(tenant)}`)))
  })

  it('those that serve a connection and no tenant see no tenant', async () => {
    const seen = new Set<string>()
    const note = (where: string) => seen.add(`${where}: ${tryGetCurrentTenant()?.tenantId ?? 'nobody'}`)
    const url = new URL(two.database.appUrl)
    const pool = two.pool({
      connectionString: undefined,
      host: url.hostname,
      port: Number(url.port),
      user: url.username,
      database: url.pathname.slice(1),
      password: () => {
        note('password')
        return decodeURIComponent(url.password)
      },
      onConnect: async (client: pg.ClientBase) => {
        note('onConnect')
        await client.query('select 1')
        note('onConnect, later')
      },
      seal: {
        secret: async () => {
          note('secret')
          return two.database.sealSecret
        },
      },
    })
    // A handler that opens a context of its own must not find the caller's behind it.
    const noteTwice = (where: string) => {
      runWithTenant({ tenantId: two.a.id, userId: 'u' }, () => {})
      note(where)
    }
    for (const event of ['connect', 'acquire', 'release', 'remove'] as const) pool.on(event, () => noteTwice(event))
    const busy = as(two.a, () => pool.query('select pg_sleep(0.02)'))
    await as(two.b, () => pool.query('select 1'))
    await busy
    const client = await as(two.a, () => pool.connect())
    client.on('notice', () => note('notice'))
    client.on('drain', () => note('drain'))
    await as(two.a, () => client.query('commit'))
    const removed = once(pool, 'remove')
    client.release(true)
    await removed
    await pool.end()
    const places = [
      'acquire',
      'connect',
      'drain',
      'notice',
      'onConnect',
      'onConnect, later',
      'password',
      'release',
      'remove',
      'secret',
    ]
    expect(seen).toEqual(new Set(places.map((where) => `${where}: nobody`)))
  })
})
