import pg from 'pg'
import { beforeAll, describe, expect, it } from 'vitest'
import { tryGetCurrentTenant } from '../../../src/context/run-with-tenant.ts'
import { tenantStore } from '../../../src/context/store.ts'
import { createTenantDrivers, type TenantDrivers } from '../../../src/database/drivers/tenant-drivers.ts'
import type { TenantPool } from '../../../src/database/pool/create-tenant-pool.ts'
import { afterFile } from '../../setup/after-file.ts'
import { createTwoTenants, type TwoTenants } from '../../setup/two-tenants.ts'

let two: TwoTenants
let pool: TenantPool
let drivers: TenantDrivers

beforeAll(async () => {
  two = await createTwoTenants()
  pool = two.pool({ max: 1 })
  drivers = createTenantDrivers(pool)
  afterFile(() => pool.end())
})

describe('wall.drivers', () => {
  it('refuses a pool that createTenantPool did not make: its statements would belong to no tenant', () => {
    const plain = new pg.Pool({ connectionString: two.database.adminUrl })
    expect(() => createTenantDrivers(plain as TenantPool)).toThrow(
      expect.objectContaining({ code: 'PARTYWALL_CONFIGURATION' }),
    )
  })

  it('shows no password in the options of a library', () => {
    for (const make of ['typeorm', 'knex', 'sequelize', 'mikro', 'slonik', 'pgPromise'] as const) {
      const shown = JSON.stringify(drivers[make](), (_name, value: unknown) =>
        typeof value === 'object' ? value : String(value),
      )
      expect(shown).not.toContain(two.database.appPassword)
    }
  })

  it('connects to the wall’s database, whatever connection a library gives its client', async () => {
    const { Client } = drivers.sequelize().dialectModule
    const client = new Client({ connectionString: two.database.adminUrl, user: 'postgres', host: 'elsewhere.example' })
    await client.connect()
    try {
      const { rows } = await two.as(two.a, () => client.query('select session_user as who, tenant_id from documents'))
      expect(rows).toEqual([{ who: 'app', tenant_id: two.a.id }])
    } finally {
      await client.end()
    }
  })

  it('gives no library pg-native', () => {
    expect(drivers.typeorm().driver.native).toBeUndefined()
    expect(drivers.sequelize().dialectModule.native).toBeUndefined()
  })
})

describe('the pool for Knex', () => {
  it('does not release a connection that another request has by now, when Knex releases a second time', async () => {
    const { connectionPool } = drivers.knex()
    const first = await two.as(two.a, () => connectionPool.acquire().promise)
    expect(connectionPool.release(first)).toBe(true)
    // The same client, now in the transaction of another tenant.
    await two.as(two.b, async () => {
      const second = await connectionPool.acquire().promise
      await second.query('begin')
      expect(connectionPool.release(first)).toBe(false)
      expect(await second.query('select tenant_id from documents')).toMatchObject({ rows: [{ tenant_id: two.b.id }] })
      await second.query('commit')
      expect(connectionPool.release(second)).toBe(true)
    })
    // A connection that comes back may first register a ticket.
    await expect.poll(() => [connectionPool.numUsed(), pool.idleCount]).toEqual([0, 1])
    expect(() => first.query('select 1')).toThrow('after its release')
  })
})

describe('a connection that Knex must not use again', () => {
  it('is closed at its release, such as after a time-out', async () => {
    const { connectionPool } = drivers.knex()
    const timedOut = await two.as(two.a, () => connectionPool.acquire().promise)
    Object.assign(timedOut, { __knex__disposed: new Error('timed out') }) // as Knex marks it
    expect(connectionPool.release(timedOut)).toBe(true)
    await expect.poll(() => pool.totalCount).toBe(0)
  })
})

describe('the clients of Slonik', () => {
  const open = async () => {
    const { createClient } = await drivers.slonik().driverFactory({ driverConfiguration: { typeParsers: [] } })
    return createClient()
  }

  it('take no connection after their release', async () => {
    const client = await open()
    client.acquire()
    await two.as(two.a, () => client.query('select 1'))
    await client.release()
    await expect(two.as(two.a, () => client.query('select 1'))).rejects.toThrow('Client is IDLE')
    // A connection that comes back may first register a ticket.
    await expect.poll(() => [pool.totalCount, pool.idleCount]).toEqual([1, 1])
  })

  it('are released and used again after the pool has refused them a connection', async () => {
    const client = await open()
    client.acquire()
    await expect(tenantStore.run(undefined, () => client.query('select 1'))).rejects.toMatchObject({
      code: 'PARTYWALL_CONTEXT_MISSING',
    })
    await client.release()
    expect(client.state()).toBe('IDLE')
    client.acquire()
    const { rows } = await two.as(two.a, () => client.query('select tenant_id from documents'))
    expect(rows).toEqual([{ tenant_id: two.a.id }])
    await client.destroy()
  })
})

describe('the pool of MikroORM', () => {
  it('lends no connection to work that has no context, because MikroORM would not give it back', async () => {
    const { driverOptions } = drivers.mikro()
    const made = new pg.Pool({ ...driverOptions, Client: driverOptions.Client as unknown as typeof pg.Client })
    driverOptions.onPoolCreated(made)
    try {
      await expect(tenantStore.run(undefined, () => made.connect())).rejects.toMatchObject({
        code: 'PARTYWALL_CONTEXT_MISSING',
      })
      expect(made.totalCount).toBe(0)
      const client = await two.as(two.a, () => made.connect())
      client.release()
      expect(made.totalCount).toBe(1)
    } finally {
      await made.end()
    }
  })

  it('calls back in the context that asked, and not in that of the request which gave its connection back', async () => {
    const { driverOptions } = drivers.mikro()
    const Client = driverOptions.Client as unknown as typeof pg.Client
    const made = new pg.Pool({ ...driverOptions, Client, max: 1 })
    driverOptions.onPoolCreated(made)
    try {
      const held = await two.as(two.a, () => made.connect())
      const called = new Promise<string | undefined>((resolve, reject) => {
        two.as(two.b, () =>
          made.connect((error, _client, done) => {
            if (error !== undefined && error !== null) return reject(error)
            resolve(tryGetCurrentTenant()?.tenantId)
            done()
          }),
        )
      })
      two.as(two.a, () => held.release())
      expect(await called).toBe(two.b.id)
    } finally {
      await made.end()
    }
  })
})
