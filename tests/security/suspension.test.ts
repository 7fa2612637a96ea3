// From one second after a suspension was committed (five when the channel is cut) no request of that tenant succeeds.
import express from 'express'
import pg from 'pg'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { asyncRoute, tenantContextMiddleware, tenantErrorHandler } from '../../src/middleware/express.ts'
import type { Partywall } from '../../src/partywall.ts'
import { createTestDatabase, createTestTenant, type TestDatabase, type TestTenant } from '../setup/database.ts'
import type { TestIssuer } from '../setup/issuer.ts'
import { TcpProxy } from '../setup/tcp-proxy.ts'
import { createTestWall, serve } from '../setup/wall.ts'

describe('suspension', () => {
  let database: TestDatabase
  let spoofer: pg.Client

  beforeAll(async () => {
    database = await createTestDatabase()
    // Anybody who reaches the database can notify; so can injected SQL.
    spoofer = new pg.Client({ connectionString: database.appUrl })
    spoofer.on('error', () => {})
    await spoofer.connect()
  })
  afterAll(() => spoofer.end())

  interface Instance {
    readonly wall: Partywall
    readonly issuer: TestIssuer
    readonly get: (tenant: TestTenant, path?: string) => Promise<number>
  }

  async function start(listenUrl?: string): Promise<Instance> {
    const { wall, issuer } = await createTestWall(database, listenUrl === undefined ? {} : { tenants: { listenUrl } })
    const app = express()
    app.use(tenantContextMiddleware(wall))
    app.get(
      '/count',
      asyncRoute(async (_request, response) => {
        response.json((await wall.pool.query('select count(*) from documents')).rows)
      }),
    )
    app.get(
      '/slow',
      asyncRoute(async (_request, response) => {
        for (let round = 0; round < 100; round++) {
          await wall.pool.query("update documents set body = 'round ' || $1::text", [round])
          await new Promise((resolve) => setTimeout(resolve, 50))
        }
        response.json('done')
      }),
    )
    app.use(tenantErrorHandler())
    const url = await serve(app)
    // One token per tenant, as clients hold it: it stays in the cache of verified tokens.
    const tokens = new Map<string, string>()
    return {
      wall,
      issuer,
      async get(tenant, path = '/count') {
        const token =
          tokens.get(tenant.id) ?? (await issuer.sign({ claims: { org_id: tenant.key, sub: tenant.userId } }))
        tokens.set(tenant.id, token)
        return (await fetch(`${url}${path}`, { headers: { authorization: `Bearer ${token}` } })).status
      },
    }
  }

  const setStatus = (tenant: TestTenant, status: string) =>
    database.admin('update tenants set status = $2 where id = $1', [tenant.id, status])

  async function listening({ wall }: Instance, tenant: TestTenant, get: Instance['get']): Promise<void> {
    expect(await get(tenant)).toBe(200)
    await expect.poll(() => wall.tenants.listening, { timeout: 5_000 }).toBe(true)
    expect(await get(tenant)).toBe(200)
  }

  it('locks a tenant out of all instances within a second', async () => {
    const tenant = await createTestTenant(database)
    const instances = [await start(), await start()]
    for (const instance of instances) await listening(instance, tenant, instance.get)
    await setStatus(tenant, 'suspended')
    await new Promise((resolve) => setTimeout(resolve, 1_000))
    for (const { get } of instances) {
      for (let round = 0; round < 5; round++) expect(await get(tenant)).toBe(403)
    }
  })

  it('a spoofed notification lets nobody in', async () => {
    const tenant = await createTestTenant(database, { status: 'suspended' })
    const instance = await start()
    const other = await createTestTenant(database)
    await listening(instance, other, instance.get)
    expect(await instance.get(tenant)).toBe(403)
    const hash = "encode(sha256(convert_to($1, 'UTF8')), 'hex')"
    for (const payload of [`'active'`, `'{"status":"active"}'`, `''`])
      await spoofer.query(`select pg_notify('partywall_tenants', ${payload})`)
    await spoofer.query(`select pg_notify('partywall_tenants', ${hash})`, [tenant.id])
    await new Promise((resolve) => setTimeout(resolve, 200))
    expect(await instance.get(tenant)).toBe(403)
  })

  it('a flood of notifications neither stops requests nor hides a suspension', async () => {
    const tenant = await createTestTenant(database)
    const instance = await start()
    await listening(instance, tenant, instance.get)
    let flooding = true
    const flood = (async () => {
      while (flooding) {
        await spoofer.query(
          "select pg_notify('partywall_tenants', encode(sha256(convert_to(n::text, 'UTF8')), 'hex')) from generate_series(1, 2000) n",
        )
        await spoofer.query("select pg_notify('partywall_tenants', encode(sha256(convert_to($1, 'UTF8')), 'hex'))", [
          tenant.id,
        ])
      }
    })()
    for (let round = 0; round < 20; round++) expect(await instance.get(tenant)).toBe(200)
    await setStatus(tenant, 'suspended')
    await new Promise((resolve) => setTimeout(resolve, 1_000))
    expect(await instance.get(tenant)).toBe(403)
    flooding = false
    await flood
  })

  it('work that is under way is stopped, and writes no more', async () => {
    const tenant = await createTestTenant(database)
    const instance = await start()
    await listening(instance, tenant, instance.get)
    const running = instance.get(tenant, '/slow')
    const body = async () =>
      (await database.admin('select body from documents where tenant_id = $1', [tenant.id])).rows[0]?.body
    await expect.poll(body, { timeout: 2_000 }).toMatch(/^round \d/)
    await setStatus(tenant, 'suspended')
    expect(await running).toBe(403)
    const then = await body()
    await new Promise((resolve) => setTimeout(resolve, 300))
    expect(await body()).toBe(then)
  })

  it('a half-open channel is found, and then answers live five seconds at most', async () => {
    const tenant = await createTestTenant(database)
    const proxy = await TcpProxy.start(database.appUrl)
    const instance = await start(proxy.url)
    await listening(instance, tenant, instance.get)
    proxy.faults.blackHole = true
    await setStatus(tenant, 'suspended')
    await new Promise((resolve) => setTimeout(resolve, 5_000))
    expect(await instance.get(tenant)).toBe(403)
    expect(instance.wall.tenants.listening).toBe(false)
    await proxy.stop()
  })

  it('what was suspended while the channel was down is known after the reconnect', async () => {
    const tenant = await createTestTenant(database)
    const proxy = await TcpProxy.start(database.appUrl)
    const instance = await start(proxy.url)
    await listening(instance, tenant, instance.get)
    const events: string[] = []
    instance.wall.events.on('*', (event) => events.push(event.type))
    const running = instance.get(tenant, '/slow')
    proxy.cut()
    await setStatus(tenant, 'suspended')
    await expect.poll(() => events.includes('LISTENER_UP'), { timeout: 5_000 }).toBe(true)
    expect(await running).toBe(403)
    expect(await instance.get(tenant)).toBe(403)
    expect(events).toContain('LISTENER_DOWN')
    await proxy.stop()
  })

  it('a lookup that races a suspension does not bring the tenant back', async () => {
    const tenant = await createTestTenant(database)
    const instance = await start()
    await listening(instance, tenant, instance.get)
    for (let round = 0; round < 5; round++) {
      instance.wall.tenants.invalidate(tenant.id)
      await Promise.all([setStatus(tenant, 'suspended'), ...Array.from({ length: 8 }, () => instance.get(tenant))])
      await new Promise((resolve) => setTimeout(resolve, 1_000))
      expect(await instance.get(tenant)).toBe(403)
      await setStatus(tenant, 'active')
      await expect.poll(() => instance.get(tenant), { timeout: 2_000 }).toBe(200)
    }
  })
})

describe('a directory that is down', () => {
  it('is 503 for tenants that nobody knows yet, and not 401 or 403', async () => {
    const database = await createTestDatabase()
    const tenant = await createTestTenant(database)
    const { wall, issuer } = await createTestWall(database, {
      tenants: {
        findByClaim: async () => {
          throw new Error('down')
        },
      },
    })
    const app = express()
    app.use(tenantContextMiddleware(wall))
    app.use(tenantErrorHandler())
    const url = await serve(app)
    const token = await issuer.sign({ claims: { org_id: tenant.key } })
    const answer = await fetch(url, { headers: { authorization: `Bearer ${token}` } })
    expect(answer.status).toBe(503)
    expect(answer.headers.get('retry-after')).toBe('1')
  })
})
