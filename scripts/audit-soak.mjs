// Writes N events from 32 writers that abort and delay, seals meanwhile, verifies: sealed = committed, the log whole.
// npm run audit-soak -- --events 1000000
import { randomBytes, randomInt } from 'node:crypto'
import { parseArgs } from 'node:util'
import pg from 'pg'
import {
  createAuditSealer,
  createPemSigner,
  generateAuditKeys,
  TenantAuditLogger,
  verifyAuditLog,
} from '../dist/src/audit/index.js'
import { runWithTenant } from '../dist/src/context/run-with-tenant.js'
import { createTenantPool, migrate } from '../dist/src/database/index.js'
import { startPostgres } from '../dist/src/embedded/start-postgres.js'

const { values } = parseArgs({ options: { events: { type: 'string', default: '20000' } } })
const wanted = Number(values.events)
if (!Number.isInteger(wanted) || wanted < 1) {
  console.error('npm run audit-soak -- --events N')
  process.exit(2)
}
const WRITERS = 32
const silent = { debug() {}, info() {}, warn() {}, error() {} }
const server = await startPostgres({ settings: { max_connections: '60' } })
let failed = false
try {
  const database = await server.createDatabase()
  const secret = randomBytes(32).toString('hex')
  await migrate({ databaseUrl: server.url(database), sealSecret: secret })
  const admin = new pg.Client({ connectionString: server.url(database) })
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
  const audit = new TenantAuditLogger({ pool, logger: silent })
  const keys = generateAuditKeys()
  const published = []
  const sealer = createAuditSealer({
    databaseUrl: server.url(database),
    signer: createPemSigner(keys.privateKey),
    anchors: { publish: (anchor) => published.push(anchor) },
    logger: silent,
  })
  const begun = performance.now()
  let committed = 0
  let aborted = 0
  let reserved = 0
  let sealed = 0
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
      sealed += (await sealer.tick()).events
      await new Promise((resolve) => setTimeout(resolve, 200))
    }
    for (let tick = await sealer.tick({ force: true }); ; tick = await sealer.tick({ force: true })) {
      sealed += tick.events
      if (tick.unsealed === 0) break
    }
  })()
  await Promise.all(Array.from({ length: WRITERS }, (_, number) => writer(number)))
  writing = false
  const wrote = performance.now()
  await sealing
  const sealedAt = performance.now()
  const verdict = await verifyAuditLog({
    databaseUrl: server.url(database),
    publicKeys: [keys.publicKey],
    anchors: published,
  })
  const done = performance.now()
  const seconds = (from, to) => ((to - from) / 1000).toFixed(1)
  console.log(
    `written   ${committed} events committed, ${aborted} rolled back, ${WRITERS} writers, ${seconds(begun, wrote)} s`,
  )
  console.log(
    `sealed    ${sealed} events, ${verdict.checkpoints} checkpoints, ${verdict.anchors} anchors, ${seconds(wrote, sealedAt)} s after the last write`,
  )
  console.log(
    `verified  ${verdict.events} events: ${verdict.verdict}, ${seconds(sealedAt, done)} s, ${Math.round((verdict.events * 1000) / (done - sealedAt))}/s`,
  )
  for (const damage of verdict.damage.slice(0, 10)) console.log(JSON.stringify(damage))
  failed = sealed !== committed || verdict.events !== committed || verdict.verdict !== 'whole'
  console.log(failed ? 'FAILED' : 'sealed = committed, whole')
  await sealer.stop()
  await pool.close()
  await admin.end()
} finally {
  await server.stop()
}
process.exitCode = failed ? 1 : 0
