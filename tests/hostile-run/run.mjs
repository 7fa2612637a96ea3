// 32 hostile tenants beside 8 honest ones on one wall: npm run hostile-run -- [--seconds N] (default 600). A hostile tenant controls the SQL of
// its own requests and nothing else, so its requests pass the limiter as all do. Must hold: no row of another tenant, no uncaught
// exception, the p99 of the honest within 3 x their quiet p99, every audit event and every alert of theirs there. Exit 0, else 1.
import { randomBytes, randomInt } from 'node:crypto'
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { parseArgs } from 'node:util'
import pg from 'pg'
import { createAuditSealer, createPemSigner, generateAuditKeys, verifyAuditLog } from '../../dist/src/audit/index.js'
import { packageRoot } from '../../dist/src/config/package-root.js'
import { runWithTenant } from '../../dist/src/context/run-with-tenant.js'
import { migrate } from '../../dist/src/database/index.js'
import { startPostgres } from '../../dist/src/embedded/start-postgres.js'
import { createPartywall } from '../../dist/src/index.js'
import { createMemoryStore } from '../../dist/src/rate-limit/index.js'
import { hostileCalls } from './calls.mjs'

const { values } = parseArgs({ options: { seconds: { type: 'string', default: '600' } } })
const seconds = Number(values.seconds)
if (!Number.isInteger(seconds) || seconds < 5) {
  console.error('npm run hostile-run -- [--seconds N], at least 5')
  process.exit(2)
}
const HOSTILE = 32
const HONEST = 8
const QUIET_SECONDS = Math.min(20, Math.max(5, Math.round(seconds / 6)))
const silent = { debug() {}, info() {}, warn() {}, error() {} }
const uncaught = []
/** From the first attack on; before, an error ends the run as ever. */
function collectUncaught() {
  process.on('uncaughtException', (error) => uncaught.push(error))
  process.on('unhandledRejection', (error) => uncaught.push(error))
}

const server = await startPostgres({ settings: { max_connections: '120' } })
const database = await server.createDatabase()
const secret = randomBytes(32).toString('hex')
await migrate({ databaseUrl: server.url(database), sealSecret: secret })
const admin = new pg.Pool({ connectionString: server.url(database), max: 2 })
admin.on('error', () => {})
for (const file of ['0001_example_schema.sql', 'enable-rls-policies.sql'])
  await admin.query(readFileSync(join(packageRoot(), 'migrations', file), 'utf8'))
const password = randomBytes(12).toString('hex')
await admin.query(`alter role app password '${password}'`)
const login = async (member) => {
  await admin.query(`create role soak_${member} login password '${password}' in role ${member}`)
  return server.urlAs(`soak_${member}`, password, database)
}
const tenants = await plant()

const alerted = []
const tier = (perMinute, burstSize) => ({ requestsPerMinute: perMinute, requestsPerDay: 4_000_000, burstSize })
const wall = createPartywall({
  database: {
    url: server.urlAs('app', password, database),
    max: 48,
    perTenantConnections: 1,
    statementTimeoutMs: 500,
    maxResultBytes: 1_048_576,
  },
  auth: {
    issuer: 'https://idp.example',
    keys: { secret: randomBytes(32).toString('hex') },
    algorithms: ['HS256'],
    audience: 'soak',
    tenantClaims: { tenant: 'org_id' },
  },
  seal: { secret },
  rateLimit: {
    store: createMemoryStore(),
    tiers: { free: tier(60, 2), pro: tier(60_000, 1_000) },
    concurrency: { free: 1 },
  },
  alerts: {
    sinks: [{ name: 'soak', deliver: (alert) => void alerted.push(alert) }],
    outboxUrl: await login('partywall_alerts'),
  },
  protectionWatch: false,
  logger: silent,
})
const keys = generateAuditKeys()
const published = []
const sealer = createAuditSealer({
  databaseUrl: await login('partywall_sealer'),
  signer: createPemSigner(keys.privateKey),
  anchors: { publish: (anchor) => void published.push(anchor), last: async () => published.at(-1) },
  logger: silent,
})

const state = { leaks: [], honestErrors: [], audited: new Map(), raised: new Set(), calls: 0, limited: 0 }
const quiet = await honestFor(QUIET_SECONDS)
collectUncaught()
let going = true
const attack = Promise.all(tenants.hostile.map(attackUntilTheEnd))
const loud = await honestFor(seconds)
going = false
await attack
// Before and after: a machine that others use, too, is not equally quiet all the time.
quiet.push(...(await honestFor(QUIET_SECONDS)))
await judge().catch((error) => {
  console.error(error)
  process.exit(2)
})

async function plant() {
  const make = async (name) => {
    const { rows } = await admin.query('insert into public.tenants (key, name) values ($1, $1) returning id', [name])
    const id = rows[0].id
    const user = await admin.query(
      "insert into public.users (tenant_id, email, name, role) values ($1, 'a@example.com', 'A', 'owner') returning id",
      [id],
    )
    const project = await admin.query(
      "insert into public.projects (tenant_id, name, owner_id) values ($1, 'P', $2) returning id",
      [id, user.rows[0].id],
    )
    await admin.query(
      'insert into public.documents (tenant_id, project_id, title, body, created_by) select $1::uuid, $2::uuid, n::text, $1::uuid::text, $3::uuid from generate_series(1, 50) n',
      [id, project.rows[0].id, user.rows[0].id],
    )
    return { id, userId: user.rows[0].id }
  }
  const many = (count, name) => Promise.all(Array.from({ length: count }, (_, n) => make(`${name}-${n}`)))
  return { honest: await many(HONEST, 'honest'), hostile: await many(HOSTILE, 'hostile') }
}

/** As a request behind the middlewares: counted by the limiter, in the tenant's context. */
async function request({ id, userId }, tierName, work) {
  const asked = { tenantId: id, tier: tierName, userId }
  const leave = wall.limiter.enter(asked)
  try {
    await wall.limiter.consume(asked)
    return await runWithTenant({ tenantId: id, userId, roles: ['owner'], tier: tierName }, work)
  } finally {
    leave()
  }
}

async function honestFor(duration) {
  const until = performance.now() + duration * 1000
  const times = []
  const one = async (tenant) => {
    for (let n = 0; performance.now() < until; n++) {
      const begun = performance.now()
      try {
        await request(tenant, 'pro', async () => {
          const { rows } = await wall.pool.query('select tenant_id, body from documents where title = $1', [
            String(1 + (n % 50)),
          ])
          if (rows.length !== 1 || rows[0].tenant_id !== tenant.id || rows[0].body !== tenant.id) state.leaks.push(rows)
          if (n % 20 === 0) await audit(tenant, n)
        })
      } catch (error) {
        state.honestErrors.push(error)
      }
      times.push(performance.now() - begun)
      if (n % 100 === 0) raise(tenant)
      await new Promise((resolve) => setTimeout(resolve, 10))
    }
  }
  await Promise.all(tenants.honest.map(one))
  return times
}

async function audit(tenant, n) {
  await wall.audit.log({ action: 'soak.step', resource: 'documents', resourceId: String(n), details: {} })
  state.audited.set(tenant.id, (state.audited.get(tenant.id) ?? 0) + 1)
}

/** An alert of its own each time: repeats would be counted together. */
function raise({ id, userId }) {
  const reason = `soak ${state.raised.size}`
  state.raised.add(reason)
  wall.events.emit({ type: 'CROSS_TENANT_ACCESS_ATTEMPT', source: 'soak', reason, tenantId: id, userId })
}

async function attackUntilTheEnd(tenant) {
  while (going) {
    const call = hostileCalls[randomInt(hostileCalls.length)]
    const victim = tenants.honest[randomInt(HONEST)]
    state.calls++
    try {
      const rows = await request(tenant, 'free', () => call(wall.pool, victim.id))
      if (Array.isArray(rows) && rows.some((row) => row.tenant_id !== undefined && row.tenant_id !== tenant.id))
        state.leaks.push(rows)
    } catch (error) {
      if (error?.status === 429) {
        state.limited++
        await new Promise((resolve) => setTimeout(resolve, 50))
      }
    }
  }
}

function p99(times) {
  const sorted = times.toSorted((a, b) => a - b)
  return sorted[Math.floor(sorted.length * 0.99)]
}

async function judge() {
  const failures = []
  const expect = (what, holds) => holds || failures.push(what)
  const ratio = p99(loud) / p99(quiet)
  await wall.audit.flush()
  const missing = []
  for (const [id, count] of state.audited) {
    const { rows } = await admin.query(
      "select count(*)::int as n from partywall.audit_events where tenant_id = $1 and action = 'soak.step'",
      [id],
    )
    if (rows[0].n !== count) missing.push(`${id}: ${rows[0].n} of ${count}`)
  }
  let unsealed = 1
  for (let tries = 0; unsealed > 0 && tries < 100; tries++) unsealed = (await sealer.tick({ force: true })).unsealed
  const verdict = await verifyAuditLog({
    databaseUrl: await login('partywall_auditor'),
    publicKeys: [keys.publicKey],
    anchors: published,
  })
  await settleAlerts()
  const lost = [...state.raised].filter(
    (reason) => !alerted.some((alert) => JSON.stringify(alert).includes(`"${reason}"`)),
  )
  const stolen = await admin.query(
    "select count(*)::int as n from public.documents where body <> tenant_id::text and body <> 'own'",
  )
  console.log(
    `${state.calls} hostile calls (${state.limited} met a limit), ${loud.length} honest requests in ${seconds} s`,
  )
  console.log(
    `honest p99: quiet ${p99(quiet).toFixed(1)} ms, under attack ${p99(loud).toFixed(1)} ms, ratio ${ratio.toFixed(2)}`,
  )
  console.log(
    `leaks ${state.leaks.length}, uncaught ${uncaught.length}, honest errors ${state.honestErrors.length}, audit events unsealed ${unsealed}`,
  )
  console.log(
    `audit of the honest: ${[...state.audited.values()].reduce((a, b) => a + b, 0)} events; alerts: ${state.raised.size}, lost ${lost.length}`,
  )
  expect(`rows of others were seen: ${JSON.stringify(state.leaks[0])?.slice(0, 200)}`, state.leaks.length === 0)
  expect('rows of others were written', stolen.rows[0].n === 0)
  expect(`uncaught: ${uncaught[0]?.stack ?? uncaught[0]}`, uncaught.length === 0)
  expect(`an honest request failed: ${state.honestErrors[0]?.stack}`, state.honestErrors.length === 0)
  expect(`p99 of the honest is ${ratio.toFixed(2)} x the quiet one; at most 3`, ratio <= 3)
  expect(`audit events are missing: ${missing.join(', ')}`, missing.length === 0)
  expect(`${unsealed} audit events can't be sealed`, unsealed === 0)
  expect(`the audit log is ${verdict.verdict}`, verdict.verdict === 'whole')
  expect(`alerts were lost: ${lost.slice(0, 3).join(', ')}`, lost.length === 0)
  expect('nobody attacked', state.calls > HOSTILE)
  await wall.close({ timeoutMs: 5_000 })
  await sealer.close?.()
  await admin.end()
  await server.stop()
  for (const failure of failures) console.error(`FAILED: ${failure}`)
  console.log(failures.length === 0 ? 'held' : `${failures.length} failed`)
  process.exit(failures.length === 0 ? 0 : 1)
}

async function settleAlerts() {
  for (let tries = 0; tries < 100 && alerted.length < state.raised.size; tries++) {
    await wall.alerts.flush()
    await new Promise((resolve) => setTimeout(resolve, 100))
  }
}
