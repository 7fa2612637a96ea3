// Question: what does an audited write cost, and do sealing and verifying keep up?
// Compared with the same transaction through the same pool without its event. fsync is on, as in production: without it the
// event's share of a transaction looks larger than it is. If a goal is missed by far, the event has to be sent in the same
// statement as the change.
import { randomBytes } from 'node:crypto'
import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import pg from 'pg'
import {
  createAuditSealer,
  createPemSigner,
  generateAuditKeys,
  TenantAuditLogger,
  verifyAuditLog,
} from '../src/audit/index.ts'
import { packageRoot } from '../src/config/package-root.ts'
import { runWithTenant } from '../src/context/run-with-tenant.ts'
import { createTenantPool } from '../src/database/index.ts'
import { startPostgres } from '../src/embedded/start-postgres.ts'
import { silentLogger } from '../src/logger/logger.ts'
import { migrate } from '../src/migrate/migrate.ts'
import type { Bench, BenchGoal } from './harness/contract.ts'
import { judge } from './harness/ratio.ts'
import { throughput } from './harness/throughput.ts'

const CALLERS = 16
const FOR_MS = 1_000
const SEALED = 20_000

export const bench: Bench = {
  name: 'audit',
  question: 'What does an audited write cost, and do sealing and verifying keep up?',
  async run({ runs, log }) {
    const server = await startPostgres({ settings: { fsync: 'on', synchronous_commit: 'on', max_connections: '60' } })
    const closers: (() => Promise<unknown>)[] = [() => server.stop()]
    try {
      const database = await server.createDatabase()
      const adminUrl = server.url(database)
      const secret = randomBytes(32).toString('hex')
      await migrate({ databaseUrl: adminUrl, sealSecret: secret })
      const admin = new pg.Pool({ connectionString: adminUrl, max: 2 })
      closers.unshift(() => admin.end())
      for (const file of ['0001_example_schema.sql', 'enable-rls-policies.sql']) {
        await admin.query(await readFile(join(packageRoot(), 'migrations', file), 'utf8'))
      }
      const password = randomBytes(12).toString('hex')
      await admin.query(`alter role app password '${password}'`)
      await admin.query("insert into tenants (key, name) select 't' || n, 't' || n from generate_series(1, 1000) as n")
      const { rows } = await admin.query('select id::text from tenants')
      const tenants: readonly string[] = rows.map((row) => String(row.id))
      const pool = createTenantPool({
        connectionString: server.urlAs('app', password, database),
        seal: { secret },
        roles: { tenant_admin: ['owner'] },
        max: CALLERS,
        logger: silentLogger,
      })
      closers.unshift(() => pool.close())
      const audit = new TenantAuditLogger({ pool, logger: silentLogger })
      const failures: string[] = []

      const write = (tenantId: string, audited: boolean, pauseMs: number) =>
        runWithTenant({ tenantId, userId: 'bench' }, () =>
          pool.transaction(async (tx) => {
            const done = tx.query('insert into documents (title) values ($1)', ['a document'])
            if (pauseMs > 0) await new Promise((resolve) => setTimeout(resolve, pauseMs))
            await done
            if (audited) await audit.log({ action: 'document.created', resource: 'documents' }, { client: tx })
          }),
        )
      const cases = [
        { goal: 'audited write, 16 callers, one tenant, x without audit', many: false, pauseMs: 0, target: 0.75 },
        {
          goal: 'audited write, 16 callers, a thousand tenants, x without audit',
          many: true,
          pauseMs: 0,
          target: 0.75,
        },
        {
          goal: 'audited write, transactions of 5 ms, one hot tenant, x without audit',
          many: false,
          pauseMs: 5,
          target: 0.85,
        },
      ]
      const goals: BenchGoal[] = []
      const details: Record<string, unknown> = { callers: CALLERS, fsync: 'on', eventsPerSeal: SEALED }
      for (const { goal, many, pauseMs, target } of cases) {
        const ratios: number[] = []
        const rates: { plain: number; audited: number }[] = []
        const side = (audited: boolean) =>
          throughput((index) => write(tenants[many ? index % tenants.length : 0] ?? '', audited, pauseMs), {
            callers: CALLERS,
            forMs: FOR_MS,
          })
        await side(false)
        await side(true)
        for (let run = 0; run < runs; run++) {
          const plain = (await side(false)).perSecond
          const audited = (await side(true)).perSecond
          ratios.push(audited / plain)
          rates.push({ plain: Math.round(plain), audited: Math.round(audited) })
        }
        details[goal] = rates
        goals.push(judge(goal, ratios, target))
        log(`${goal}: ${ratios.map((ratio) => ratio.toFixed(2)).join(' ')}`)
      }
      const written = await admin.query(
        "select (select count(*) from documents where title = 'a document')::int as documents, (select count(*) from partywall.audit_events)::int as events",
      )
      if (!(written.rows[0].events > 0 && written.rows[0].events < written.rows[0].documents))
        failures.push('events were not written')

      const keys = generateAuditKeys()
      const sealer = createAuditSealer({
        databaseUrl: adminUrl,
        signer: createPemSigner(keys.privateKey),
        anchors: { publish: () => {} },
        logger: silentLogger,
      })
      closers.unshift(() => sealer.stop())
      for (let tick = await sealer.tick({ force: true }); tick.state === 'sealed'; )
        tick = await sealer.tick({ force: true })
      const sealing: number[] = []
      const verifying: number[] = []
      for (let run = 0; run < runs; run++) {
        await admin.query(
          `insert into partywall.audit_events (who, action, resource, resource_id, details, ip, user_agent, request_id)
             select array[t.id::text, 'bench', null, 'tenant_user'], 'document.updated', 'documents', n::text,
               jsonb_build_object('n', n, 'title', 'a document'), '192.0.2.1', 'Mozilla/5.0 (X11; Linux x86_64)', gen_random_uuid()::text
             from generate_series(1, $1) as n join (select id, row_number() over () - 1 as r from tenants limit 100) as t on t.r = n % 100`,
          [SEALED],
        )
        const begun = performance.now()
        const tick = await sealer.tick({ force: true })
        sealing.push((tick.events * 1000) / (performance.now() - begun))
        if (tick.events !== SEALED) failures.push(`sealed ${tick.events} of ${SEALED} events`)
        const checked = performance.now()
        const verdict = await verifyAuditLog({ databaseUrl: adminUrl, publicKeys: [keys.publicKey] })
        verifying.push((verdict.events * 1000) / (performance.now() - checked))
        if (verdict.verdict !== 'whole') failures.push(`the log is ${verdict.verdict}`)
      }
      goals.push(
        judge('events sealed per second', sealing, 20_000),
        judge('events verified per second', verifying, 20_000),
      )
      return { goals, details, failures }
    } finally {
      for (const close of closers) await close()
    }
  },
}
