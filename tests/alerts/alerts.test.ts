import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import pg from 'pg'
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest'
import {
  type Alert,
  type AlertSink,
  type AlertsOptions,
  createAlerts,
  type ThresholdReached,
  verifyWebhook,
  webhookSecret,
  webhookSink,
} from '../../src/alerts/index.ts'
import { claimAlerts } from '../../src/alerts/outbox.ts'
import { createSecurityEvents, type SecurityEventOf } from '../../src/events/security-events.ts'
import { silentLogger } from '../../src/logger/logger.ts'
import { deriveKey } from '../../src/seal/seal-key.ts'
import { type AuditWorld, createAuditWorld } from '../audit/audit-world.ts'

const HOUR_MS = 3_600_000

describe('alerts', () => {
  let world: AuditWorld
  let outbox: pg.Pool
  let time = Date.parse('2026-05-01T12:00:00Z')
  beforeAll(async () => {
    world = await createAuditWorld()
    outbox = new pg.Pool({ connectionString: await world.login('partywall_alerts'), max: 2 })
    outbox.on('error', () => {}) // the database is dropped with connections open
  })
  afterAll(() => outbox.end())
  beforeEach(() => world.database.admin('delete from partywall.alerts'))

  function make(sinks: readonly AlertSink[], options: Partial<AlertsOptions> = {}) {
    const events = createSecurityEvents()
    const alerts = createAlerts({
      events,
      pool: world.pool,
      outbox,
      sinks,
      now: () => time,
      timeoutMs: 200,
      collectMs: 10_000,
      logger: silentLogger,
      ...options,
    })
    return { events, alerts }
  }
  function collecting(name = 'test') {
    const got: Alert[] = []
    const sink: AlertSink = { name, deliver: (alert) => void got.push(alert) }
    return { got, sink }
  }
  const attempt = (userId: string, tenantId = world.a.id): SecurityEventOf<'CROSS_TENANT_ACCESS_ATTEMPT'> => ({
    type: 'CROSS_TENANT_ACCESS_ATTEMPT',
    source: 'guard',
    tenantId,
    userId,
    requestId: 'r1',
  })

  it('delivers what happened, in the order in which it happened to a tenant', async () => {
    const { got, sink } = collecting()
    const { events, alerts } = make([sink])
    for (const user of ['u1', 'u2', 'u3']) {
      events.emit(attempt(user))
      await alerts.flush()
    }
    expect(got.map((alert) => alert.userId)).toEqual(['u1', 'u2', 'u3'])
    expect(got[0]).toMatchObject({
      type: 'CROSS_TENANT_ACCESS_ATTEMPT',
      severity: 'high',
      tenantId: world.a.id,
      requestId: 'r1',
      count: 1,
      details: { source: 'guard' },
    })
    await alerts.close()
  })

  it('makes one alert with a count of a flood, and one more at the end of the window', async () => {
    const { got, sink } = collecting()
    const { events, alerts } = make([sink])
    for (let n = 0; n < 10_000; n++) events.emit({ ...attempt('u1'), requestId: `r${n}` })
    await alerts.flush()
    expect(got.map((alert) => alert.count)).toEqual([10_000])
    for (let n = 0; n < 3; n++) {
      events.emit(attempt('u1'))
      await alerts.flush()
    }
    expect(got).toHaveLength(1)
    time += 61_000
    await alerts.flush()
    expect(got.map((alert) => alert.count)).toEqual([10_000, 3])
    await alerts.close()
  })

  it('outlives a sink that fails for an hour', async () => {
    let down = true
    const got: Alert[] = []
    const sink: AlertSink = {
      name: 'flaky',
      deliver(alert) {
        if (down) throw new Error('down')
        got.push(alert)
      },
    }
    const { events, alerts } = make([sink])
    events.emit(attempt('first'))
    await alerts.flush()
    events.emit(attempt('second'))
    const end = time + HOUR_MS
    let tries = 0
    for (; time < end; time += 60_000) {
      tries++
      expect(await alerts.flush()).toBe(0)
    }
    expect(tries).toBe(60)
    const { rows } = await world.database.admin('select attempts, status from partywall.alerts order by seq')
    expect(rows[0].attempts).toBeLessThan(40)
    // The second waits for the first: order per tenant.
    expect(rows[1]).toEqual({ attempts: 0, status: 'pending' })
    down = false
    time += 300_000
    await alerts.flush()
    expect(got.map((alert) => alert.userId)).toEqual(['first', 'second'])
    await alerts.close()
  })

  it('gives an alert of a sender that died to the next one when its lease ends', async () => {
    const { got, sink } = collecting()
    const { events, alerts } = make([sink])
    const quiet = make([sink], { outbox: undefined })
    quiet.events.emit(attempt('u1'))
    await quiet.alerts.flush()
    // The dead one: it took the alert and was killed before it could mark it.
    expect(await claimAlerts(outbox, 'test', new Date(time), 5_000)).toHaveLength(1)
    expect(await alerts.flush()).toBe(0)
    time += 5_001
    expect(await alerts.flush()).toBe(1)
    expect(got.map((alert) => alert.userId)).toEqual(['u1'])
    events.emit(attempt('u2'))
    await alerts.close()
    await quiet.alerts.close()
    // What was collected at the close is in the outbox.
    const { rows } = await world.database.admin("select from partywall.alerts where status = 'pending'")
    expect(rows).toHaveLength(1)
  })

  it('lets a sink that hangs harm neither other sinks, nor other tenants, nor the caller', async () => {
    const { got, sink } = collecting('good')
    const stuck: AlertSink = { name: 'stuck', deliver: () => new Promise<void>(() => {}) }
    const { events, alerts } = make([stuck, sink])
    const before = performance.now()
    events.emit(attempt('u1'))
    events.emit(attempt('u2', world.b.id))
    expect(performance.now() - before).toBeLessThan(50)
    await alerts.flush()
    expect(got).toHaveLength(2)
    const { rows } = await world.database.admin("select last_error, status from partywall.alerts where sink = 'stuck'")
    expect(rows).toHaveLength(2)
    expect(rows[0].last_error).toContain('did not answer')
    await alerts.close()
  })

  it('shows dead letters, goes on behind them, and takes them back on request', async () => {
    let down = true
    const got: Alert[] = []
    const sink: AlertSink = {
      name: 'dying',
      deliver(alert) {
        if (down) throw new Error('no such host')
        got.push(alert)
      },
    }
    const { events, alerts } = make([sink], { maxAgeMs: HOUR_MS })
    events.emit(attempt('u1'))
    await alerts.flush()
    time += HOUR_MS + 1
    await alerts.flush()
    expect(await alerts.dead()).toMatchObject([
      { sink: 'dying', attempts: 2, lastError: 'no such host', alert: { userId: 'u1' } },
    ])
    down = false
    events.emit(attempt('u2'))
    await alerts.flush()
    expect(got.map((alert) => alert.userId)).toEqual(['u2'])
    expect(await alerts.retryDead('dying')).toBe(1)
    await alerts.flush()
    expect(got.map((alert) => alert.userId)).toEqual(['u2', 'u1'])
    await alerts.close()
  })

  it('keeps alerts in memory while the database is away', async () => {
    const { got, sink } = collecting()
    let away = true
    const pool = {
      query: (text: string, values?: unknown[]) =>
        away ? Promise.reject(new Error('away')) : world.pool.query(text, values),
    }
    const { events, alerts } = make([sink], { pool })
    events.emit(attempt('u1'))
    await alerts.flush()
    expect(got).toHaveLength(0)
    away = false
    await alerts.flush()
    expect(got).toHaveLength(1)
    await alerts.close()
  })

  it('raises an alert from inside a tenant, and whatever the event holds', async () => {
    const { got, sink } = collecting()
    const { events, alerts } = make([sink])
    await world.as(world.b, async () => {
      events.emit({ ...attempt('u\u0000\ud800'), userId: 'u\u0000\ud800' })
      await alerts.flush()
    })
    expect(got).toHaveLength(1)
    await alerts.close()
  })

  it('calls the function of a threshold once per window and user', async () => {
    const reached: ThresholdReached[] = []
    const { sink } = collecting()
    const thresholds = [
      {
        name: 'many-refusals',
        types: ['PERMISSION_DENIED'],
        by: 'user',
        count: 3,
        windowMs: 60_000,
        run: (each: ThresholdReached) => {
          reached.push(each)
          throw new Error('the function of a user may fail')
        },
      },
    ] as const
    const { events, alerts } = make([sink], { thresholds })
    const refuse = (userId: string) =>
      events.emit({ type: 'PERMISSION_DENIED', tenantId: world.a.id, userId, permission: 'x', source: 'route' })
    for (let n = 0; n < 5; n++) refuse('u1')
    refuse('u2')
    await alerts.flush()
    expect(reached).toEqual([
      { name: 'many-refusals', by: 'user', subject: 'u1', tenantId: world.a.id, userId: 'u1', count: 3 },
    ])
    time += 60_001
    for (let n = 0; n < 3; n++) refuse('u1')
    await alerts.flush()
    expect(reached).toHaveLength(2)
    await alerts.close()
  })

  it('lets the application write alerts through the function only, and read none', async () => {
    const as = (text: string) => world.as(world.a, () => world.pool.query(text)).catch((error: unknown) => error)
    for (const text of ['select from partywall.alerts', 'delete from partywall.alerts']) {
      expect(await as(text)).toMatchObject({ code: '42501' })
    }
    const foreign = `select partywall.alert_outbox_add(array['x'], '${world.b.id}', 'k', 'T', '{}', 1, now(), now(), 1000)`
    expect(await as(foreign)).toMatchObject({ code: '42501' })
  })

  it('posts signed webhooks that receivers can verify, and follows no redirect', async () => {
    const key = deriveKey('a-root-secret-of-thirty-two-characters', 'webhook')
    const got: { headers: Record<string, string | undefined>; body: string }[] = []
    let status = 200
    const server = createServer((request, response) => {
      let body = ''
      request.on('data', (chunk) => {
        body += chunk
      })
      request.on('end', () => {
        const one = (name: string) => request.headers[name]?.toString()
        const names = ['webhook-id', 'webhook-timestamp', 'webhook-signature']
        got.push({ body, headers: Object.fromEntries(names.map((name) => [name, one(name)])) })
        response.writeHead(status, { location: 'http://127.0.0.1:1/' }).end()
      })
    })
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
    try {
      const { port } = server.address() as AddressInfo
      const { events, alerts } = make([webhookSink({ url: `http://127.0.0.1:${port}/hook`, key })], {
        timeoutMs: 5_000,
      })
      events.emit(attempt('u1'))
      expect(await alerts.flush()).toBe(1)
      const [request] = got
      expect(request).toBeDefined()
      if (request === undefined) return
      expect(JSON.parse(request.body)).toMatchObject({
        type: 'partywall.cross_tenant_access_attempt',
        data: { userId: 'u1', id: request.headers['webhook-id'] },
      })
      expect(verifyWebhook(request.headers, request.body, { key })).toBe(true)
      expect(verifyWebhook(request.headers, `${request.body} `, { key })).toBe(false)
      expect(verifyWebhook(request.headers, request.body, { key: Buffer.alloc(32) })).toBe(false)
      const later = () => Date.now() + 301_000
      expect(verifyWebhook(request.headers, request.body, { key, now: later })).toBe(false)
      expect(webhookSecret(key)).toMatch(/^whsec_[A-Za-z0-9+/]{43}=$/)
      status = 302
      events.emit(attempt('u2'))
      expect(await alerts.flush()).toBe(0)
      await alerts.close()
    } finally {
      server.closeAllConnections()
      server.close()
    }
    expect(() => webhookSink({ url: 'http://example.com/', key })).toThrow(/https/)
  })
})
