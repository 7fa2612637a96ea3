// The log copied into another cluster, as a dump and a restore do it: numbers of transactions begin anew there.
import pg from 'pg'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { type AuditSealer, createAuditSealer, createPemSigner, TenantAuditLogger } from '../../src/audit/index.ts'
import { createTenantPool, migrate, type TenantPool } from '../../src/database/index.ts'
import { startPostgres } from '../../src/embedded/start-postgres.ts'
import type { ThrowAwayServer } from '../../src/embedded/throw-away-server.ts'
import { silentLogger } from '../../src/logger/logger.ts'
import { copyAuditLog } from './copy-audit-log.mjs'
import { createSealedLog, type SealedLog } from './sealed-log.ts'

describe('a log that was restored into another cluster', () => {
  let log: SealedLog
  let server: ThrowAwayServer
  let url: string
  let restored: pg.Client
  let sealer: AuditSealer
  let pool: TenantPool
  let audit: TenantAuditLogger

  beforeAll(async () => {
    log = await createSealedLog()
    await log.batch(4)
    await log.batch(4)
    server = await startPostgres({ externalUrl: undefined })
    const database = await server.createDatabase()
    url = server.url(database)
    await migrate({ databaseUrl: url, sealSecret: log.database.sealSecret })
    restored = new pg.Client({ connectionString: url })
    await restored.connect()
    await restored.query(`create role app login noinherit password '${log.database.appPassword}'`)
    await restored.query('grant tenant_user, tenant_admin to app')
    sealer = createAuditSealer({
      databaseUrl: url,
      signer: createPemSigner(log.keys.privateKey),
      anchors: { publish: (anchor) => void log.published.push(anchor), last: async () => log.published.at(-1) },
      logger: silentLogger,
    })
    pool = createTenantPool({
      connectionString: server.urlAs('app', log.database.appPassword, database),
      seal: { secret: log.database.sealSecret },
      roles: { tenant_admin: ['owner'] },
      logger: silentLogger,
    })
    audit = new TenantAuditLogger({ pool, mode: 'required', logger: silentLogger })
  }, 120_000)
  afterAll(async () => {
    await log.sealer.stop()
    await sealer.stop()
    await pool.close()
    await restored.end()
    await server.stop()
  })

  const restore = async () => {
    await restored.query(
      'truncate partywall.audit_events, partywall.audit_private, partywall.audit_checkpoints, partywall.audit_anchors',
    )
    const source = await log.client(log.database.adminUrl)
    return copyAuditLog(source, restored)
  }
  const write = (action: string) => log.as(log.a, () => audit.log({ action }))
  const counts = async () => {
    const { rows } = await restored.query(
      `select (select count(*)::int from partywall.audit_events) as events, sum(cardinality(ids))::int as sealed,
         (select count(distinct i)::int from partywall.audit_checkpoints, unnest(ids) as i) as different
       from partywall.audit_checkpoints`,
    )
    return rows[0]
  }

  it('names an older backup by the anchors that were published since, and the sealer refuses to go on from it', async () => {
    await restore()
    await log.batch(2)
    const newest = log.published.at(-1)
    const verdict = await log.verify({ databaseUrl: url })
    expect(verdict.verdict).toBe('tampered')
    expect([...new Set(verdict.damage.map((each) => each.kind))]).toEqual(['tail-cut'])
    expect(verdict.damage).toEqual(
      expect.arrayContaining([
        expect.objectContaining({ kind: 'tail-cut', tenant: log.a.id, checkpoint: 3, anchor: newest?.n }),
      ]),
    )
    await expect(sealer.tick()).rejects.toMatchObject({ code: 'PARTYWALL_CONFIGURATION' })
  })

  it('is whole before and after the first tick there, which seals what waited at the dump', async () => {
    // Their numbers are far beyond those that the new cluster gives out.
    await log.as(log.b, () => log.audit.log({ action: 'not.sealed.yet' }, { mode: 'required' }))
    expect(await restore()).toBeGreaterThan(20)
    await write('new.cluster')
    const before = await log.verify({ databaseUrl: url })
    expect(before).toMatchObject({ damage: [], verdict: 'whole', unsealed: 2 })
    const { rows } = await restored.query(
      "select max(xid::text::bigint) > pg_snapshot_xmax(pg_current_snapshot())::text::bigint as ahead from partywall.audit_events where action = 'not.sealed.yet'",
    )
    expect(rows).toEqual([{ ahead: true }])
    expect(await sealer.tick()).toMatchObject({ state: 'sealed', events: 2, unsealed: 0 })
    expect(await log.verify({ databaseUrl: url })).toMatchObject({ verdict: 'whole', damage: [], unsealed: 0 })
  })

  it('seals nothing twice and counts nothing as waiting while the numbers pass the old ones', async () => {
    const { rows } = await restored.query('select max(xid::text::bigint) as old from partywall.audit_events')
    const old = Number(rows[0].old)
    let sealed = 0
    for (let number = 0; number <= old; ) {
      await write('passing.by')
      const tick = await sealer.tick({ force: true })
      expect(tick.unsealed).toBe(0)
      sealed += tick.events
      // A sealer that starts anew must find out by itself.
      await restored.query('do $$ begin for i in 1..500 loop perform pg_current_xact_id(); commit; end loop; end $$')
      const { rows: next } = await restored.query('select pg_current_xact_id()::text as xid')
      number = Number(next[0].xid)
    }
    const restarted = createAuditSealer({
      databaseUrl: url,
      signer: createPemSigner(log.keys.privateKey),
      anchors: { publish: (anchor) => void log.published.push(anchor) },
      logger: silentLogger,
    })
    await write('after.restart')
    expect(await restarted.tick({ force: true })).toMatchObject({ events: 1, unsealed: 0 })
    await restarted.stop()
    expect(sealed).toBeGreaterThan(0)
    const { events, ...other } = await counts()
    expect(other).toEqual({ sealed: events, different: events })
    expect(await log.verify({ databaseUrl: url })).toMatchObject({ verdict: 'whole', damage: [], unsealed: 0 })
  })

  it('still names a change there', async () => {
    await restored.query("update partywall.audit_events set action = 'changed' where action = 'not.sealed.yet'")
    const verdict = await log.verify({ databaseUrl: url })
    expect(verdict.damage).toMatchObject([{ kind: 'event-changed', tenant: log.b.id, position: 1 }])
  })
})
