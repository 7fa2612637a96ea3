// Real processes, killed with SIGKILL between any two of their steps.
import { randomUUID } from 'node:crypto'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { anchorFile, createAuditSealer, createPemSigner, readAnchorFile } from '../../src/audit/index.ts'
import { silentLogger } from '../../src/logger/logger.ts'
import { killAt } from '../setup/killed-process.ts'
import { createSealedLog, type SealedLog } from './sealed-log.ts'

/** An audited change; each step between its statements, and before and after the commit. */
const CHANGE = `
  const { createTenantPool } = await load('database/index.js')
  const { TenantAuditLogger } = await load('audit/index.js')
  const { runWithTenant } = await load('context/run-with-tenant.js')
  const pool = createTenantPool({ connectionString: input.url, seal: { secret: input.secret }, max: 1,
    roles: { tenant_admin: ['owner'] }, application_name: input.mark })
  const stepping = {
    query: (...args) => pool.query(...args),
    async transaction(fn) {
      const done = await pool.transaction(async (tx) => {
        await step('begun')
        const result = await fn({ query: async (...args) => {
          const answer = await tx.query(...args)
          await step(args[0].startsWith('insert into partywall') ? 'event' : 'written')
          return answer
        } })
        await step('before commit')
        return result
      })
      await step('committed')
      return done
    },
  }
  const audit = new TenantAuditLogger({ pool: stepping })
  await runWithTenant({ tenantId: input.tenant, userId: input.user, roles: ['owner'] }, () =>
    audit.change({ action: 'DELETE_USER', resource: 'documents', resourceId: input.mark }, (tx) =>
      tx.query('insert into documents (title) values ($1)', [input.mark])))
  await step('over')`

const SEAL = `
  const { anchorFile, createAuditSealer, createPemSigner } = await load('audit/index.js')
  const store = anchorFile(input.anchors)
  const sealer = createAuditSealer({
    databaseUrl: input.url,
    signer: createPemSigner(input.key),
    anchors: {
      last: () => store.last(),
      async publish(anchor) {
        await step('publishing')
        await store.publish(anchor)
        await step('published')
      },
    },
  })
  await sealer.tick({ force: true })
  await step('over')`

describe('a process that is killed', () => {
  let log: SealedLog
  let folder: string
  beforeAll(async () => {
    log = await createSealedLog()
    folder = await mkdtemp(join(tmpdir(), 'partywall-killed-'))
  })
  afterAll(async () => {
    await log.sealer.stop()
    await rm(folder, { recursive: true })
  })

  /** Whether the change and its event are there, once the server has noticed the death. */
  async function outcome(mark: string): Promise<{ readonly changes: number; readonly events: number }> {
    for (;;) {
      const { rows } = await log.database.admin('select from pg_stat_activity where application_name = $1', [mark])
      if (rows.length === 0) break
      await new Promise((resolve) => setTimeout(resolve, 20))
    }
    const { rows } = await log.database.admin(
      `select (select count(*)::int from documents where title = $1) as changes,
         (select count(*)::int from partywall.audit_events where resource_id = $1 and outcome = 'success') as events`,
      [mark],
    )
    return rows[0]
  }

  it('in the middle of an audited change leaves both the change and its event, or neither', {
    timeout: 120_000,
  }, async () => {
    const neither = { changes: 0, events: 0 }
    const both = { changes: 1, events: 1 }
    const change = async (dieAt: string, delayMs?: number) => {
      const mark = `killed-${randomUUID()}`
      const input = {
        url: log.database.appUrl,
        secret: log.database.sealSecret,
        tenant: log.a.id,
        user: log.a.userId,
        mark,
      }
      const { killed, lines } = await killAt(CHANGE, { input, dieAt, ...(delayMs === undefined ? {} : { delayMs }) })
      return { killed, lines, left: await outcome(mark) }
    }
    for (const dieAt of ['begun', 'written', 'event']) {
      expect(await change(dieAt), dieAt).toMatchObject({ killed: true, left: neither })
    }
    expect(await change('committed')).toMatchObject({ killed: true, left: both })
    // While the commit is on its way: nobody can say which, but never one alone.
    expect([neither, both]).toContainEqual((await change('before commit', 1)).left)
    // Nobody killed it: every step is one of those above.
    expect(await change('never')).toMatchObject({
      killed: false,
      left: both,
      lines: ['begun', 'written', 'event', 'before commit', 'committed', 'over'],
    })
  })

  it('in the middle of sealing leaves a log that the next sealer goes on with, whole, and no anchor is lost', {
    timeout: 120_000,
  }, async () => {
    const anchors = join(folder, 'anchors.ndjson')
    const input = { url: log.sealerUrl, key: log.keys.privateKey, anchors }
    // How many were committed before depends on where the kill met the commit.
    const before = await log.database.admin('select count(*)::int as events from partywall.audit_events')
    // What it writes, in its order; all before is reading.
    const steps = [
      'select from partywall.audit_sealer for update',
      'insert into partywall.audit_checkpoints',
      'insert into partywall.audit_anchors',
      'update partywall.audit_sealer',
      'commit',
      'publishing',
      'published',
    ]
    for (const dieAt of steps) {
      for (const tenant of [log.a, log.b])
        await log.as(tenant, () => log.audit.log({ action: 'before.death' }, { mode: 'required' }))
      expect(await killAt(SEAL, { input, dieAt }), dieAt).toMatchObject({ killed: true })
    }
    const last = createAuditSealer({
      databaseUrl: log.sealerUrl,
      signer: createPemSigner(log.keys.privateKey),
      anchors: anchorFile(anchors),
      logger: silentLogger,
    })
    for (let tick = await last.tick({ force: true }); tick.unsealed > 0; ) tick = await last.tick({ force: true })
    await last.stop()
    const published = await readAnchorFile(anchors)
    const { rows } = await log.database.admin(
      `select (select array_agg(n::int order by n) from partywall.audit_anchors) as anchors,
         (select count(*)::int from partywall.audit_events) as events,
         (select sum(cardinality(ids))::int from partywall.audit_checkpoints) as sealed`,
    )
    expect(published.map((anchor) => anchor.n)).toEqual(rows[0].anchors)
    const events: number = before.rows[0].events + 2 * steps.length
    expect(rows[0]).toMatchObject({ events, sealed: events })
    expect(await log.verify({ anchors: published })).toMatchObject({ verdict: 'whole', damage: [], unsealed: 0 })
  })
})
