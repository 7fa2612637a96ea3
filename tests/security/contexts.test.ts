// Which tenant a statement belongs to: that of its call, whatever else happens on the connection.
import { once } from 'node:events'
import { setTimeout as sleep } from 'node:timers/promises'
import pg from 'pg'
import Cursor from 'pg-cursor'
import QueryStream from 'pg-query-stream'
import { beforeAll, describe, expect, it } from 'vitest'
import { getCurrentTenant, tryGetCurrentTenant } from '../../src/context/run-with-tenant.ts'
import type { TenantPool } from '../../src/database/pool/create-tenant-pool.ts'
import { createSecurityEvents, type SecurityEvent } from '../../src/events/security-events.ts'
import { afterFile } from '../setup/after-file.ts'
import { createTwoTenants, type TwoTenants } from '../setup/two-tenants.ts'

let two: TwoTenants
let pool: TenantPool
const heard: SecurityEvent[] = []

beforeAll(async () => {
  two = await createTwoTenants()
  const events = createSecurityEvents()
  events.on('CROSS_TENANT_ACCESS_ATTEMPT', (event) => heard.push(event))
  pool = two.pool({ events, allowStatements: ['LISTEN', 'NOTIFY'] })
  afterFile(() => pool.end())
})

const refused = { code: 'PARTYWALL_TENANT_ISOLATION' }

describe('a checked-out client', () => {
  it('refuses another tenant than that of its checkout, and tells the team', async () => {
    const client = await two.as(two.a, () => pool.connect())
    const before = heard.length
    await two.as(two.b, () => expect(client.query('select 1')).rejects.toMatchObject(refused))
    expect(heard.slice(before)).toMatchObject([
      { source: 'database', tenantId: two.b.id, attemptedTenantId: two.a.id, userId: two.b.userId },
    ])
    const cursor = new Cursor('select 1')
    const read = cursor.read(1).catch((error: unknown) => error)
    two.as(two.b, () => client.query(cursor))
    expect(await read).toMatchObject(refused)
    expect((await two.as(two.a, () => client.query('select 1 as n'))).rows).toEqual([{ n: 1 }])
    client.release()
  })

  it('taken without a context belongs to each query’s own, and to its transaction', async () => {
    // Of nobody in particular: pool.connect() needs a context.
    const client = new pool.Client({ connectionString: two.database.appUrl })
    await client.connect()
    await two.as(two.a, async () => {
      await client.query('begin')
      await client.query('select 1')
    })
    await two.as(two.b, () => expect(client.query('select * from documents')).rejects.toMatchObject(refused))
    await two.as(two.b, () => expect(client.query('rollback')).rejects.toMatchObject(refused))
    const cursor = new Cursor('select 1')
    const read = cursor.read(1).catch((error: unknown) => error)
    two.as(two.b, () => client.query(cursor))
    expect(await read).toMatchObject(refused)
    await two.as(two.a, () => client.query('rollback'))
    const { rows } = await two.as(two.b, () => client.query('select distinct tenant_id from documents'))
    expect(rows).toEqual([{ tenant_id: two.b.id }])
    await client.end()
  })

  it('refuses in an aborted transaction too', async () => {
    // Of nobody in particular: pool.connect() needs a context.
    const client = new pool.Client({ connectionString: two.database.appUrl })
    await client.connect()
    await two.as(two.a, async () => {
      await client.query('begin')
      await client.query('select 1/0').catch(() => {})
    })
    await two.as(two.b, () => expect(client.query('rollback')).rejects.toMatchObject(refused))
    await two.as(two.a, () => client.query('rollback'))
    await client.end()
  })
})

describe('inside a transaction', () => {
  it('keeps the tenant after an injected switch, ROLLBACK TO and COMMIT AND CHAIN', async () => {
    const unsealed = two.pool({ seal: false })
    await two.as(two.a, async () => {
      const client = await unsealed.connect()
      const tenant = async () => (await client.query("select current_setting('app.current_tenant_id') as t")).rows[0].t
      await client.query('begin')
      await client.query(`select set_config('app.current_tenant_id', '${two.b.id}', true)`)
      expect(await tenant()).toBe(two.a.id)
      await client.query('savepoint s')
      await client.query('select 1')
      await client.query('rollback to savepoint s')
      expect(await tenant()).toBe(two.a.id)
      await client.query('commit and chain')
      expect(await tenant()).toBe(two.a.id)
      await client.query('rollback')
      client.release()
    })
    await unsealed.end()
  })

  it('keeps a user’s own SET LOCAL, and refuses one that names tenant, seal or role', () =>
    two.as(two.a, () =>
      pool.transaction(async (tx) => {
        await tx.query('select 1')
        await tx.query("set local statement_timeout = '7s'")
        expect((await tx.query("select current_setting('statement_timeout') as t")).rows).toEqual([{ t: '7s' }])
        for (const sql of [
          'set local role tenant_admin',
          "set local app.current_tenant_id = 'x'",
          "set local app.tenant_seal = ''",
          'set local session authorization default',
        ]) {
          await expect(tx.query(sql), sql).rejects.toMatchObject({ code: 'PARTYWALL_STATEMENT_REFUSED' })
        }
      }),
    ))

  it('takes BEGIN first: an isolation level can be set behind it', () =>
    two.as(two.a, async () => {
      const client = await pool.connect()
      await client.query('begin isolation level repeatable read')
      await client.query('set transaction isolation level serializable')
      await client.query('select count(*) from documents')
      await client.query('commit')
      client.release()
    }))

  it('can be ended after an error, and the next one has its tenant', () =>
    two.as(two.a, async () => {
      await expect(pool.transaction((tx) => tx.query('select 1/0'))).rejects.toMatchObject({ code: '22012' })
      const { rows } = await pool.transaction((tx) => tx.query('select distinct tenant_id from documents'))
      expect(rows).toEqual([{ tenant_id: two.a.id }])
    }))

  it('says so when a caught error made the commit a rollback', () =>
    two.as(two.a, () =>
      expect(
        pool.transaction(async (tx) => {
          await tx.query('select 1/0').catch(() => {})
        }),
      ).rejects.toMatchObject({ code: 'PARTYWALL_TRANSACTION_ROLLED_BACK' }),
    ))
})

describe('handlers', () => {
  /** Makes A wait for a connection that B gives back: pg-pool would then run A's callback in B's context. */
  async function whileBHolds<T>(start: (from: TenantPool) => Promise<T>): Promise<T> {
    // B opens the connection too: answers arrive in the context of whoever did.
    const fresh = two.pool()
    const blocker = await two.as(two.b, () => fresh.connect())
    const started = two.as(two.a, () => start(fresh))
    await sleep(5)
    two.as(two.b, () => blocker.release())
    const result = await started
    await fresh.end()
    return result
  }

  it('of callbacks run in the caller’s context: query, connect', async () => {
    const seen = await whileBHolds(
      (from) => new Promise((resolve) => from.query('select 1', () => resolve(tryGetCurrentTenant()?.tenantId))),
    )
    expect(seen).toBe(two.a.id)
    const connected = await whileBHolds(
      (from) =>
        new Promise((resolve) =>
          from.connect((_error, _client, done) => {
            resolve(tryGetCurrentTenant()?.tenantId)
            done()
          }),
        ),
    )
    expect(connected).toBe(two.a.id)
  })

  it('of row, end and error of a submittable run in the caller’s context', async () => {
    // Of nobody in particular: pool.connect() needs a context.
    const client = new pool.Client({ connectionString: two.database.appUrl })
    await client.connect()
    const seen: string[] = []
    await two.as(two.a, async () => {
      const query = client.query(new pg.Query('select 1 as n'))
      query.on('row', () => seen.push(`row ${getCurrentTenant().tenantId}`))
      query.on('end', () => seen.push(`end ${getCurrentTenant().tenantId}`))
      await once(query, 'end')
      const failing = client.query(new pg.Query('select 1/0'))
      failing.on('error', () => seen.push(`error ${getCurrentTenant().tenantId}`))
      await once(failing, 'error')
    })
    await two.as(two.b, async () => {
      const stream = client.query(new QueryStream('select n from generate_series(1, 3) n'))
      stream.on('data', () => seen.push(`data ${getCurrentTenant().tenantId}`))
      await once(stream, 'end')
    })
    await client.end()
    expect(seen).toEqual([
      `row ${two.a.id}`,
      `end ${two.a.id}`,
      `error ${two.a.id}`,
      ...Array.from({ length: 3 }, () => `data ${two.b.id}`),
    ])
  })

  it('of notifications run outside any context', async () => {
    const client = await two.as(two.a, () => pool.connect())
    const seen: unknown[] = []
    client.on('notification', () => seen.push(tryGetCurrentTenant()))
    const heardOne = once(client, 'notification')
    await two.as(two.a, async () => {
      await client.query('listen channel_of_everybody')
      await client.query("notify channel_of_everybody, 'x'")
      await heardOne
    })
    expect(seen).toEqual([undefined])
    client.release()
  })

  it('that throw do not take the connection with them', async () => {
    const uncaught = new Promise((resolve) => process.once('uncaughtException', resolve))
    const listeners = process.listeners('uncaughtException').slice(0, -1)
    for (const listener of listeners) process.removeListener('uncaughtException', listener)
    void two.as(two.a, () =>
      pool.query('select 1', () => {
        throw new Error('thrown in a callback')
      }),
    )
    expect(await uncaught).toMatchObject({ message: 'thrown in a callback' })
    for (const listener of listeners) process.on('uncaughtException', listener)
    expect((await two.as(two.a, () => pool.query('select 1 as n'))).rows).toEqual([{ n: 1 }])
  })
})

describe('cursors and streams', () => {
  it.each(['alone', 'in a transaction'])('show their tenant’s rows alone, %s', async (where) => {
    for (const tenant of [two.a, two.b, two.a]) {
      await two.as(tenant, async () => {
        const client = await pool.connect()
        if (where !== 'alone') await client.query('begin')
        const cursor = client.query(new Cursor('select distinct tenant_id from documents'))
        expect(await cursor.read(10)).toEqual([{ tenant_id: tenant.id }])
        await cursor.close()
        if (where !== 'alone') await client.query('commit')
        client.release()
      })
    }
  })

  it('through the pool give their connection back', async () => {
    const answer: unknown = await two.as(two.a, () =>
      Reflect.apply(pool.query, pool, [new pg.Query('select distinct tenant_id from documents')]),
    )
    expect(answer).toMatchObject({ rows: [{ tenant_id: two.a.id }] })
    expect(pool.idleCount).toBe(pool.totalCount)
  })
})
