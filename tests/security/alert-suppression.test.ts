// SQL that a tenant injects may call the function of the outbox. It must not stop, forge, hold up or flood anybody's alerts.
import pg from 'pg'
import { beforeAll, beforeEach, describe, expect, it } from 'vitest'
import { type Alert, type AlertsOptions, createAlerts } from '../../src/alerts/index.ts'
import { runWithoutTenant } from '../../src/context/run-with-tenant.ts'
import { createSecurityEvents } from '../../src/events/security-events.ts'
import { silentLogger } from '../../src/logger/logger.ts'
import { type AuditWorld, createAuditWorld } from '../audit/audit-world.ts'
import { createTestDatabase } from '../setup/database.ts'

let world: AuditWorld
let outbox: pg.Pool

beforeAll(async () => {
  world = await createAuditWorld()
  outbox = new pg.Pool({ connectionString: await world.login('partywall_alerts'), max: 2 })
  outbox.on('error', () => {}) // the database is dropped with connections open
  return () => outbox.end()
})
beforeEach(() => world.database.admin('delete from partywall.alerts'))

interface Call {
  readonly sinks?: string
  readonly stream?: string
  readonly key?: string
  readonly type?: string
  readonly payload?: string
  readonly count?: string
  readonly first?: string
  readonly last?: string
  readonly window?: string
}
const call = (given: Call = {}) => {
  const each = { sinks: "array['test']", stream: "''", key: "'k'", type: "'TOKEN_ATTACK'", payload: "'{}'", ...given }
  const { count = '1', first = 'now()', last = 'now()', window = '1000' } = given
  return `partywall.alert_outbox_add(${each.sinks}, ${each.stream}, ${each.key}, ${each.type}, ${each.payload}, ${count}, ${first}, ${last}, ${window})`
}
const asApplication = (sql: string) => runWithoutTenant(() => world.pool.query(`select ${sql}`))

function make(options: Partial<AlertsOptions> = {}) {
  const got: Alert[] = []
  const events = createSecurityEvents()
  const sinks = [{ name: 'test', deliver: (alert: Alert) => void got.push(alert) }]
  const alerts = createAlerts({
    events,
    pool: world.pool,
    outbox,
    sinks,
    collectMs: 60_000,
    logger: silentLogger,
    ...options,
  })
  return { got, events, alerts }
}

it('a tenant’s SQL cannot add an alert, whatever it names', async () => {
  for (const stream of [`'${world.a.id}'`, `'${world.b.id}'`, "''", 'null']) {
    const add = `select ${call({ stream, first: "'294000-01-01'" })}`
    const viewer = world.as(world.a, () => world.pool.query(add))
    await expect(viewer).rejects.toMatchObject({ code: '42501' })
  }
  const { rows } = await world.database.admin('select from partywall.alerts')
  expect(rows).toHaveLength(0)
})

describe('every argument is bounded in SQL', () => {
  const out: [name: string, given: Call, code: string][] = [
    ['no sink', { sinks: "'{}'" }, '22023'],
    ['NULL as sinks', { sinks: 'null' }, '22023'],
    ['NULL among the sinks', { sinks: "array['test', null]" }, '22023'],
    ['many sinks', { sinks: "(select array_agg('s' || g) from generate_series(1, 33) as g)" }, '22023'],
    ['a long name of a sink', { sinks: "array[repeat('s', 65)]" }, '22023'],
    ['a table of sinks', { sinks: "array[['a', 'b'], ['c', 'd']]" }, '22023'],
    ['a long stream', { stream: "repeat('s', 257)" }, '22023'],
    ['NULL as stream', { stream: 'null' }, '22023'],
    ['a long key', { key: "repeat('k', 257)" }, '22023'],
    ['a type with markup', { type: "'<b>'" }, '22023'],
    ['a long type', { type: "repeat('T', 65)" }, '22023'],
    ['NULL as type', { type: 'null' }, '22023'],
    ['a payload that is no object', { payload: "'[1]'" }, '22023'],
    ['a large payload', { payload: "jsonb_build_object('details', repeat('x', 20000))" }, '22023'],
    ['a huge payload', { payload: "jsonb_build_object('details', repeat('x', 20000000))" }, '22023'],
    ['NULL as payload', { payload: 'null' }, '22023'],
    ['no count', { count: '0' }, '22023'],
    ['NULL as count', { count: 'null' }, '22023'],
    ['NULL as time', { first: 'null' }, '22023'],
  ]
  it.each(out)('refuses %s', async (_name, given, code) => {
    await expect(asApplication(call(given))).rejects.toMatchObject({ code })
  })

  const clamped: [name: string, given: Call][] = [
    ['a date that JavaScript cannot read', { first: "'294000-01-01'", last: "'294000-01-01'" }],
    ['a date before Christ', { first: "'4000-01-01 BC'", last: "'4000-01-01 BC'" }],
    ['infinite times', { first: "'-infinity'", last: "'infinity'" }],
    ['a window that is no number', { window: "'NaN'" }],
    ['an endless window', { window: "'infinity'" }],
    ['a window before the start', { window: "'-infinity'" }],
    ['NULL as window', { window: 'null' }],
    ['the largest count, twice', { count: '9223372036854775807' }],
    ['members of a payload that nobody asked for', { payload: `'{"severity": 7, "details": [1], "more": 1}'` }],
  ]
  it.each(clamped)('takes %s in as a row that is delivered now', async (_name, given) => {
    const { got, alerts } = make()
    await asApplication(call(given))
    await asApplication(call(given))
    await world.database.admin("update partywall.alerts set due_at = due_at - interval '1 minute'")
    await alerts.flush()
    expect(got).toHaveLength(1)
    expect(Number.isFinite(Date.parse(got[0]?.firstAt ?? '')), got[0]?.firstAt).toBe(true)
    expect(Number.isSafeInteger(got[0]?.count)).toBe(true)
    expect(got[0]).toMatchObject({ severity: 'medium', details: {} })
    await alerts.close()
  })
})

it('an alert names the tenant of its stream, whatever its payload says', async () => {
  const { got, alerts } = make()
  const payload = `'{"tenantId": "${world.b.id}", "userId": "u"}'`
  await asApplication(call({ stream: `'${world.a.id}'`, payload }))
  await alerts.flush()
  expect(got).toMatchObject([{ tenantId: world.a.id, userId: 'u' }])
  await alerts.close()
})

it('rows that cannot be read, written by an older release, become dead letters and hold up nobody', async () => {
  const errors: object[] = []
  const { got, events, alerts } = make({ logger: { ...silentLogger, error: (fields) => void errors.push(fields) } })
  for (const time of ['294000-01-01', 'infinity', '-infinity', '4000-01-01 BC'])
    await world.database.admin(
      `insert into partywall.alerts (sink, stream, dedup_key, type, payload, count, first_at, last_at, due_at)
         values ('test', $1, $2::text, 'RATE_LIMITED', '{}', 1, $2::timestamptz, $2::timestamptz, '2020-01-01')`,
      [world.a.id, time],
    )
  for (const tenantId of [world.a.id, world.b.id])
    events.emit({ type: 'CROSS_TENANT_ACCESS_ATTEMPT', source: 'guard', tenantId })
  await alerts.flush()
  expect(
    got
      .filter((alert) => alert.type !== 'RATE_LIMITED')
      .map((alert) => alert.tenantId)
      .sort(),
  ).toEqual([world.a.id, world.b.id].sort())
  const { rows } = await world.database.admin(
    'select status, count(*)::int from partywall.alerts group by 1 order by 1',
  )
  expect(rows).toEqual([
    { status: 'dead', count: 3 },
    { status: 'delivered', count: 3 },
  ])
  expect(errors).toHaveLength(3)
  expect(await alerts.dead()).toHaveLength(3)
  expect(await alerts.retryDead('test')).toBe(3)
  await alerts.close()
})

it('a sink whose error cannot be stored holds up no other alert', async () => {
  const got: string[] = []
  const sink = {
    name: 'test',
    deliver(alert: Alert) {
      if (alert.tenantId === world.a.id) throw new Error('bad \u0000 text')
      got.push(alert.tenantId ?? '')
    },
  }
  const { events, alerts } = make({ sinks: [sink] })
  for (const tenantId of [world.a.id, world.b.id])
    events.emit({ type: 'CROSS_TENANT_ACCESS_ATTEMPT', source: 'guard', tenantId })
  expect(await alerts.flush()).toBe(1)
  expect(got).toEqual([world.b.id])
  await alerts.close()
})

it('a tenant that raises thousands of different alerts fills no table and takes nobody’s place', async () => {
  const { got, events, alerts } = make()
  const attempt = (userId: string, tenantId: string) =>
    events.emit({ type: 'CROSS_TENANT_ACCESS_ATTEMPT', source: 'guard', tenantId, userId })
  // Most of its allowance for the day is used already.
  await world.database.admin(
    `insert into partywall.alerts (sink, stream, dedup_key, type, payload, count, first_at, last_at, due_at, status, ended_at)
       select 'test', $1, 'k' || g, 'T', '{}', 1, now(), now(), now(), 'delivered', now() from generate_series(1, 970) as g`,
    [world.a.id],
  )
  for (let n = 0; n < 5_000; n++) attempt(`u${n}`, world.a.id)
  attempt('honest', world.b.id)
  await alerts.flush()
  const { rows } = await world.database.admin(
    'select stream, count(*)::int as rows, sum(count)::int as times from partywall.alerts group by 1 order by 2',
  )
  expect(rows).toEqual([
    { stream: world.b.id, rows: 1, times: 1 },
    // 30 that were left of the allowance, and one that counts all others.
    { stream: world.a.id, rows: 1_001, times: 970 + 5_000 },
  ])
  const about = (tenant: string) => got.filter((alert) => alert.tenantId === tenant)
  expect(about(world.b.id)).toMatchObject([{ userId: 'honest', count: 1 }])
  await alerts.close()
})

it('rows of any state are deleted after their retention', async () => {
  const { alerts } = make()
  const old = (status: string, days: number) =>
    world.database.admin(
      `insert into partywall.alerts (sink, stream, dedup_key, type, payload, count, first_at, last_at, due_at, status, ended_at, added_at)
         select $1, 's', $1, 'T', '{}', 1, t, t, 'infinity', $1, t, t from (select now() - make_interval(days => $2)) as d (t)`,
      [status, days],
    )
  await old('delivered', 8)
  await old('dead', 31)
  await old('pending', 31)
  await world.database.admin("update partywall.alerts set dedup_key = dedup_key || ' old'")
  await old('delivered', 6)
  await old('dead', 29)
  await old('pending', 29)
  await alerts.flush()
  const { rows } = await world.database.admin('select status, dedup_key from partywall.alerts order by 1')
  expect(rows.map((row) => row.dedup_key)).toEqual(['dead', 'delivered', 'pending'])
  await alerts.close()
})

it('without a seal key, an alert for a sink that nobody delivers to is refused', async () => {
  const database = await createTestDatabase()
  await database.admin('delete from partywall.seal_keys')
  const add = (sink: string) => database.admin(`select ${call({ sinks: `array['${sink}']` })}`)
  await expect(add('mail')).rejects.toMatchObject({ code: '22023' })
  await database.admin("insert into partywall.alert_sinks (name) values ('mail')")
  await add('mail')
})
