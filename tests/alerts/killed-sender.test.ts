// A sender that is killed with SIGKILL, a real process: what it took arrives all the same.
import pg from 'pg'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { type Alert, createAlerts } from '../../src/alerts/index.ts'
import { createSecurityEvents } from '../../src/events/security-events.ts'
import { silentLogger } from '../../src/logger/logger.ts'
import { type AuditWorld, createAuditWorld } from '../audit/audit-world.ts'
import { killAt } from '../setup/killed-process.ts'

const SEND = `
  const { createAlerts } = await load('alerts/index.js')
  const { createSecurityEvents } = await load('events/security-events.js')
  const outbox = new pg.Pool({ connectionString: input.url, max: 1 })
  const sink = {
    name: 'test',
    async deliver(alert) {
      await step('claimed')
      writeSync(1, 'id ' + alert.id + '\\n')
      await step('delivered')
    },
  }
  const alerts = createAlerts({ events: createSecurityEvents(), pool: outbox, outbox, sinks: [sink], timeoutMs: 200_000 })
  await alerts.flush()
  await step('over')`

describe('a sender of alerts that is killed', () => {
  let world: AuditWorld
  let url: string
  let outbox: pg.Pool
  beforeAll(async () => {
    world = await createAuditWorld()
    url = await world.login('partywall_alerts')
    outbox = new pg.Pool({ connectionString: url, max: 2 })
    outbox.on('error', () => {}) // the database is dropped with connections open
  })
  afterAll(() => outbox.end())

  // Before it takes them, before it delivers, before it says so: and the killed one's lease holds until it ends.
  it.each(['with head as', 'claimed', 'update partywall.alerts set status', 'over'])(
    'at "%s" loses none: each arrives at least once',
    { timeout: 120_000 },
    async (dieAt) => {
      await world.database.admin('delete from partywall.alerts')
      const got: Alert[] = []
      let time = Date.now()
      const events = createSecurityEvents()
      const alerts = createAlerts({
        events: createSecurityEvents(),
        pool: world.pool,
        outbox,
        sinks: [{ name: 'test', deliver: (alert) => void got.push(alert) }],
        now: () => time,
        collectMs: 600_000,
        logger: silentLogger,
      })
      const writer = createAlerts({
        events,
        pool: world.pool,
        sinks: [{ name: 'test', deliver() {} }],
        collectMs: 600_000,
        logger: silentLogger,
      })
      for (const tenant of [world.a, world.b])
        events.emit({ type: 'TOKEN_ATTACK', reason: 'alg none', tenantId: tenant.id })
      await writer.flush()
      const { rows } = await world.database.admin('select id::text from partywall.alerts order by seq')
      expect(rows).toHaveLength(2)
      const killed = await killAt(SEND, { input: { url }, dieAt })
      expect(killed.killed).toBe(true)
      const before = killed.lines.filter((line) => line.startsWith('id ')).map((line) => line.slice(3))
      time += 200_000 * 25 + 60_000
      await alerts.flush()
      const arrived = new Set([...before, ...got.map((alert) => alert.id)])
      expect(arrived).toEqual(new Set(rows.map((row) => row.id)))
      const { rows: left } = await world.database.admin("select from partywall.alerts where status <> 'delivered'")
      expect(left).toHaveLength(0)
      await alerts.close()
      await writer.close()
    },
  )
})
