// Writes N events from 32 writers that abort and delay, seals meanwhile, verifies: sealed = committed, the log whole. Then the
// same log across an erasure, a change of key, a pruned month and a restore into a new cluster; and a restored older backup.
// npm run audit-soak -- --events 1000000
import { randomBytes, randomInt } from 'node:crypto'
import { parseArgs } from 'node:util'
import pg from 'pg'
import {
  createAuditSealer,
  createPemSigner,
  generateAuditKeys,
  pruneAuditMonth,
  TenantAuditLogger,
  verifyAuditLog,
} from '../../dist/src/audit/index.js'
import { runWithTenant } from '../../dist/src/context/run-with-tenant.js'
import { createTenantPool, migrate } from '../../dist/src/database/index.js'
import { startPostgres } from '../../dist/src/embedded/start-postgres.js'
import { copyAuditLog } from '../audit/copy-audit-log.mjs'

const { values } = parseArgs({ options: { events: { type: 'string', default: '20000' } } })
const wanted = Number(values.events)
if (!Number.isInteger(wanted) || wanted < 1) {
  console.error('npm run audit-soak -- --events N')
  process.exit(2)
}
const WRITERS = 32
const silent = { debug() {}, info() {}, warn() {}, error() {} }
const PRUNED = 1_000
const servers = []
const failures = []
const seconds = (from, to = performance.now()) => ((to - from) / 1000).toFixed(1)
const rate = (events, ms) => `${Math.round((events * 1000) / Math.max(ms, 1))}/s`

function expect(what, holds) {
  if (!holds) failures.push(what)
}

async function newLog(secret) {
  const server = await startPostgres({ settings: { max_connections: '60' } })
  servers.push(server)
  const database = await server.createDatabase()
  const url = server.url(database)
  await migrate({ databaseUrl: url, sealSecret: secret })
  const admin = new pg.Client({ connectionString: url })
  await admin.connect()
  const password = randomBytes(12).toString('hex')
  await admin.query(`create role soak login noinherit password '${password}'`)
  await admin.query('grant tenant_user, tenant_admin to soak')
  const pool = createTenantPool({
    connectionString: server.urlAs('soak', password, database),
    seal: { secret },
    roles: { tenant_admin: ['owner'] },
    max: WRITERS,
    logger: silent,
  })
  for (const each of [admin, pool]) each.on('error', () => {}) // a failure before the end stops the server under them
  return { url, admin, pool, audit: new TenantAuditLogger({ pool, mode: 'required', logger: silent }) }
}

/** The table of a month that is over. */
async function makeOldMonth(admin) {
  const { rows } = await admin.query(
    `select to_char(m, 'YYYY-MM') as month, m::text as first, (m + interval '1 month')::date::text as next
       from (select (date_trunc('month', now() at time zone 'UTC') - interval '2 months')::date as m) as x`,
  )
  const { month, first, next } = rows[0]
  const part = `partywall.audit_events_y${month.replace('-', 'm')}`
  await admin.query(
    `create table ${part} partition of partywall.audit_events for values from ('${first} 00:00:00+00') to ('${next} 00:00:00+00')`,
  )
  await admin.query(`alter table ${part} owner to partywall_owner`)
  return { month, first }
}

/** Events of that month, from before the first tick. */
async function plantOldEvents(admin, first) {
  await admin.query(
    `insert into partywall.audit_events (who, action, occurred_at)
       select array['tenant-' || n % 100, 'user', null, 'tenant_user'], 'soak.old', '${first} 12:00:00+00' from generate_series(1, $1::int) as n`,
    [PRUNED],
  )
}

async function sealAll(sealer) {
  let events = 0
  for (;;) {
    const tick = await sealer.tick({ force: true })
    events += tick.events
    if (tick.unsealed === 0) return events
    if (tick.events === 0) await new Promise((resolve) => setTimeout(resolve, 50))
  }
}

try {
  const secret = randomBytes(32).toString('hex')
  const { url, admin, pool, audit } = await newLog(secret)
  const keys = generateAuditKeys()
  const published = []
  const anchors = { publish: (anchor) => void published.push(anchor) }
  const verify = (databaseUrl = url, publicKeys = [keys.publicKey]) =>
    verifyAuditLog({ databaseUrl, publicKeys, anchors: published })
  const sealer = createAuditSealer({
    databaseUrl: url,
    signer: createPemSigner(keys.privateKey),
    anchors,
    logger: silent,
  })
  const { month, first } = await makeOldMonth(admin)
  await plantOldEvents(admin, first)
  const begun = performance.now()
  let committed = PRUNED
  let aborted = 0
  let reserved = 0
  let sealed = 0
  let sealingMs = 0
  let writing = true
  async function writer(number) {
    const tenants = Array.from({ length: 4 }, (_, n) => `tenant-${(number * 4 + n) % 100}`)
    while (reserved < wanted) {
      const size = Math.min(randomInt(1, 100), wanted - reserved)
      const aborts = randomInt(5) === 0
      if (!aborts) reserved += size
      await runWithTenant({ tenantId: tenants[randomInt(4)], userId: `user-${number}` }, () =>
        pool.transaction(async (tx) => {
          await tx.query(
            `insert into partywall.audit_events (action, resource, resource_id, details)
               select 'soak.written', 'things', n::text, jsonb_build_object('n', n) from generate_series(2, $1::int) as n`,
            [size],
          )
          await audit.log({ action: 'soak.written', details: { n: 1 } }, { client: tx })
          if (randomInt(10) === 0) await tx.query('select pg_sleep(0.02)')
          if (aborts) throw new Error('abort')
        }),
      ).then(
        () => {
          committed += size
        },
        (error) => {
          if (error.message !== 'abort') throw error
          aborted += size
        },
      )
    }
  }
  const sealing = (async () => {
    while (writing) {
      const from = performance.now()
      sealed += (await sealer.tick()).events
      sealingMs += performance.now() - from
      await new Promise((resolve) => setTimeout(resolve, 200))
    }
    const from = performance.now()
    sealed += await sealAll(sealer)
    sealingMs += performance.now() - from
  })()
  await Promise.all(Array.from({ length: WRITERS }, (_, number) => writer(number)))
  writing = false
  const wrote = performance.now()
  console.log(
    `written   ${committed} events committed, ${aborted} rolled back, ${WRITERS} writers, ${seconds(begun)} s`,
  )
  await sealing
  const sealedAt = performance.now()
  let verdict = await verify()
  const verifyMs = performance.now() - sealedAt
  console.log(
    `sealed    ${sealed} events, ${verdict.checkpoints} checkpoints, ${verdict.anchors} anchors, ${rate(sealed, sealingMs)} beside the writers, done ${seconds(wrote, sealedAt)} s after the last write`,
  )
  const told = (now, what) => {
    console.log(`${what.padEnd(9)} ${now.events} events: ${now.verdict}, ${now.pruned} pruned, ${now.erased} erased`)
    for (const damage of now.damage.slice(0, 5)) console.log(JSON.stringify(damage))
  }
  console.log(`verified  ${seconds(sealedAt)} s, ${rate(verdict.events, verifyMs)}`)
  told(verdict, '')
  expect('sealed = committed', sealed === committed && verdict.events === committed)
  expect('whole', verdict.verdict === 'whole')

  await runWithTenant({ tenantId: 'tenant-1', userId: 'ann' }, async () => {
    for (let n = 0; n < 10; n++) await audit.log({ action: 'soak.private', private: { email: `${n}@example.com` } })
  })
  await sealAll(sealer)
  await admin.query("select partywall.audit_erase('tenant-1', 'ann', 'soak')")
  await sealAll(sealer)
  committed += 11
  verdict = await verify()
  told(verdict, 'erasure')
  expect('whole across an erasure', verdict.verdict === 'whole' && verdict.erased === 10)

  const backup = await newLog(secret)
  await makeOldMonth(backup.admin)
  const backupFrom = performance.now()
  const rows = await copyAuditLog(admin, backup.admin)
  console.log(`backup    ${rows} rows copied into another cluster, ${seconds(backupFrom)} s`)

  await sealer.stop()
  const next = generateAuditKeys()
  const signer = createPemSigner(next.privateKey)
  const newSealer = createAuditSealer({
    databaseUrl: url,
    signer,
    previousSigner: createPemSigner(keys.privateKey),
    anchors,
    logger: silent,
  })
  await runWithTenant({ tenantId: 'tenant-2', userId: 'bob' }, () => audit.log({ action: 'soak.new-key' }))
  committed++
  await sealAll(newSealer)
  for (const [which, key] of Object.entries({ old: keys.publicKey, new: next.publicKey })) {
    verdict = await verify(url, [key])
    told(verdict, `key ${which}`)
    expect(`whole with the ${which} key`, verdict.verdict === 'whole')
  }

  const pruned = await pruneAuditMonth({ databaseUrl: url, signer, month, anchors })
  committed -= pruned.events
  verdict = await verify()
  told(verdict, 'prune')
  expect('whole across a prune', verdict.verdict === 'whole' && verdict.pruned === PRUNED)

  const older = await verify(backup.url)
  console.log(
    `backup    put back in place of the log: ${older.verdict}, ${[...new Set(older.damage.map((each) => each.kind))]}`,
  )
  expect(
    'an older backup is named',
    older.damage.some((each) => each.kind === 'tail-cut'),
  )

  await backup.admin.query(
    'truncate partywall.audit_events, partywall.audit_private, partywall.audit_checkpoints, partywall.audit_anchors',
  )
  await copyAuditLog(admin, backup.admin)
  const restoredSealer = createAuditSealer({ databaseUrl: backup.url, signer, anchors, logger: silent })
  await runWithTenant({ tenantId: 'tenant-3', userId: 'cat' }, () => backup.audit.log({ action: 'soak.restored' }))
  committed++
  const after = await sealAll(restoredSealer)
  verdict = await verify(backup.url)
  told(verdict, 'restore')
  expect('whole in a new cluster', after === 1 && verdict.verdict === 'whole' && verdict.events === committed)

  console.log(failures.length > 0 ? `FAILED: ${failures.join('; ')}` : 'sealed = committed, whole')
  for (const each of [newSealer, restoredSealer]) await each.stop()
  for (const each of [pool, backup.pool]) await each.close()
  for (const each of [admin, backup.admin]) await each.end()
} finally {
  for (const server of servers) await server.stop()
}
process.exitCode = failures.length > 0 ? 1 : 0
