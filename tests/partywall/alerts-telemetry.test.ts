import { randomUUID } from 'node:crypto'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import type { Alert, AlertSink, ThresholdReached } from '../../src/alerts/index.ts'
import { requireTenant, runWithTenant } from '../../src/context/run-with-tenant.ts'
import { silentLogger } from '../../src/logger/logger.ts'
import { createPartywall, type Partywall, type PartywallConfig } from '../../src/partywall.ts'
import { createMemoryStore } from '../../src/rate-limit/index.ts'
import { createTelemetry } from '../../src/telemetry/index.ts'
import { createTestDatabase, createTestTenant, type TestDatabase, type TestTenant } from '../setup/database.ts'
import { createTestWall } from '../setup/wall.ts'

describe('alerts and telemetry of a wall', () => {
  let database: TestDatabase
  let a: TestTenant
  let b: TestTenant
  let outboxUrl: string
  const login = `alerts_${randomUUID().slice(0, 8)}`
  beforeAll(async () => {
    database = await createTestDatabase()
    a = await createTestTenant(database)
    b = await createTestTenant(database)
    await database.admin(`create role ${login} login password '${database.appPassword}' in role partywall_alerts`)
    const url = new URL(database.appUrl)
    url.username = login
    outboxUrl = url.href
  })
  afterAll(() => database.admin(`drop role ${login}`))

  const as = <T>(tenant: TestTenant, work: () => T) =>
    runWithTenant({ tenantId: tenant.id, userId: tenant.userId, roles: ['owner'] }, work)
  const cross = (wall: Partywall) =>
    wall.events.emit({
      type: 'CROSS_TENANT_ACCESS_ATTEMPT',
      source: 'guard',
      tenantId: a.id,
      userId: a.userId,
      attemptedTenantId: b.id,
    })
  function collecting(): { readonly got: Alert[]; readonly sink: AlertSink; arrived(count: number): Promise<void> } {
    const got: Alert[] = []
    let heard = () => {}
    const sink: AlertSink = {
      name: 'collecting',
      deliver(alert) {
        got.push(alert)
        heard()
      },
    }
    return {
      got,
      sink,
      async arrived(count) {
        while (got.length < count)
          await new Promise<void>((resolve) => {
            heard = resolve
          })
      },
    }
  }

  it('delivers what happened by itself, once there was work, and calls the function of a threshold', async () => {
    const { got, sink, arrived } = collecting()
    const reached: ThresholdReached[] = []
    const { wall } = await createTestWall(database, {
      alerts: {
        sinks: [sink],
        outboxUrl,
        collectMs: 5,
        pollMs: 20,
        thresholds: [
          {
            name: 'crossings',
            types: ['CROSS_TENANT_ACCESS_ATTEMPT'],
            by: 'user',
            count: 2,
            windowMs: 60_000,
            run: (each) => void reached.push(each),
          },
        ],
      },
    })
    wall.beginWork(a.id).end()
    await as(a, async () => {
      // The rooms' own events: nothing is handed over by hand.
      expect(() => requireTenant(b.id)).toThrow(/another tenant/)
      await wall.audit?.log({ action: 'DELETE_USER', resource: 'users', resourceId: 'u1' })
    })
    cross(wall)
    cross(wall)
    await arrived(2)
    expect(new Set(got.map((alert) => alert.type))).toEqual(
      new Set(['CROSS_TENANT_ACCESS_ATTEMPT', 'SENSITIVE_ACTION']),
    )
    expect(got.every((alert) => alert.tenantId === a.id)).toBe(true)
    expect(reached).toMatchObject([{ name: 'crossings', userId: a.userId, tenantId: a.id }])
    expect(await wall.alerts?.dead()).toEqual([])
    // Its sender would deliver the alerts of the tests below.
    await wall.close({ timeoutMs: 20_000 })
  })

  it('puts what it heard last into the outbox when it closes', async () => {
    await database.admin('delete from partywall.alerts')
    const { sink } = collecting()
    const { wall } = await createTestWall(database, { alerts: { sinks: [sink], collectMs: 600_000 } })
    cross(wall)
    await wall.close({ timeoutMs: 20_000 })
    const { rows } = await database.admin('select type, stream, status from partywall.alerts')
    expect(rows).toEqual([{ type: 'CROSS_TENANT_ACCESS_ATTEMPT', stream: a.id, status: 'pending' }])
  })

  it('raises none where they are not configured', async () => {
    await database.admin('delete from partywall.alerts')
    const { wall } = await createTestWall(database)
    cross(wall)
    expect(wall.alerts).toBeUndefined()
    await wall.close()
    expect((await database.admin('select from partywall.alerts')).rowCount).toBe(0)
  })

  it('tells telemetry the events and each decision about limits, and closes it', async () => {
    const decisions: unknown[] = []
    const heard: string[] = []
    let closed = false
    const { wall } = await createTestWall(database, {
      rateLimit: {
        store: createMemoryStore(),
        tiers: { free: { requestsPerMinute: 1, requestsPerDay: 10, burstSize: 1 } },
        onDecision: () => heard.push('own'),
      },
      telemetry(events) {
        const telemetry = createTelemetry({ events })
        events.on('*', (event) => heard.push(event.type))
        return {
          limitDecision(decision) {
            decisions.push(decision)
            telemetry.limitDecision(decision)
          },
          close() {
            closed = true
            telemetry.close()
          },
        }
      },
    })
    for (let n = 0; n < 2; n++) await wall.limiter?.check({ tenantId: a.id, tier: 'free' })
    expect(decisions).toEqual([
      { tier: 'free', outcome: 'allowed', mode: 'store' },
      { tier: 'free', outcome: 'refused', mode: 'store' },
    ])
    expect(heard).toEqual(expect.arrayContaining(['own', 'RATE_LIMITED']))
    await wall.close()
    expect(closed).toBe(true)
  })

  it('names what is wrong with them together with all other problems', () => {
    const wrong: unknown = {
      database: { url: database.appUrl },
      auth: {},
      seal: { secret: database.sealSecret },
      alerts: { sinks: [], outboxUrl: 7 },
      telemetry: 'on',
      logger: silentLogger,
    }
    // A user's JavaScript may pass anything.
    expect(() => createPartywall(wrong as PartywallConfig)).toThrow(/telemetry[\s\S]*alerts/)
  })
})
