import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { createSealedLog, type SealedLog } from '../audit/sealed-log.ts'

// What injected SQL can do to the log, with all the rights that the application has.
describe('the audit log under injected SQL', () => {
  let log: SealedLog
  beforeAll(async () => {
    log = await createSealedLog()
    await log.batch(3)
  })
  afterAll(() => log.sealer.stop())

  /** Runs the text as tenant A does, in any form that the pool lets through, and straight on a connection. */
  async function attack(text: string): Promise<unknown> {
    const sql = text.replaceAll('TENANT', log.a.id).replaceAll('OTHER', log.b.id)
    return log.as(log.a, () => log.pool.query(sql)).catch((error: unknown) => error)
  }

  it.each([
    ['a foreign tenant', `insert into partywall.audit_events (tenant_id, action) values ('OTHER', 'forged')`],
    [
      'a foreign user',
      `insert into partywall.audit_events (who, action) values (array['TENANT', 'boss', null, 'tenant_admin'], 'forged')`,
    ],
    [
      'another time',
      `insert into partywall.audit_events (occurred_at, action) values (now() - interval '1 day', 'forged')`,
    ],
    ['another transaction', `insert into partywall.audit_events (xid, action) values ('5', 'forged')`],
    ['another id', `insert into partywall.audit_events (id, action) values (gen_random_uuid(), 'forged')`],
    ['an update', `update partywall.audit_events set action = 'forged'`],
    ['a deletion', `delete from partywall.audit_events`],
    ['a checkpoint', `insert into partywall.audit_checkpoints select * from partywall.audit_checkpoints`],
    ['an anchor', `delete from partywall.audit_anchors`],
    ['the row that sealers lock', `select from partywall.audit_sealer for update`],
    ['an erasure', `select partywall.audit_erase('TENANT', 'x', 'y')`],
    ['an erasure by hand', `delete from partywall.audit_private`],
    ['a dropped month', `select partywall.audit_drop_month('2020-01-01', 0)`],
    ['a system event', `select partywall.audit_system('forged', null, null, 'success', '{}', null, null, null)`],
    ['a capture trigger', `select partywall.audit_capture()`],
    ['the seal keys', `select * from partywall.seal_keys`],
    ['who', `select set_config('app.tenant_seal', '', true), partywall.audit_who()`],
  ])('refuses %s', async (_what, text) => {
    expect(await attack(text)).toMatchObject({ code: expect.stringMatching(/^(42501|42883|428C9)$/) })
    const { rows } = await log.database.admin("select from partywall.audit_events where action = 'forged'")
    expect(rows).toHaveLength(0)
  })

  it('refuses truncation, and each of it on a month directly', async () => {
    const { rows } = await log.database.admin(
      "select inhrelid::regclass::text as part from pg_inherits where inhparent in ('partywall.audit_events'::regclass, 'partywall.audit_private'::regclass)",
    )
    expect(rows.length).toBeGreaterThanOrEqual(8)
    const app = await log.client(log.database.appUrl)
    for (const role of ['tenant_user', 'tenant_admin']) {
      await app.query(`set role ${role}`)
      await expect(app.query('truncate partywall.audit_events')).rejects.toMatchObject({ code: '42501' })
      for (const { part } of rows) {
        for (const text of [`select from ${part}`, `delete from ${part}`, `insert into ${part} default values`]) {
          await expect(app.query(text)).rejects.toMatchObject({ code: '42501' })
        }
      }
    }
    const { rows: open } = await log.database.admin(
      `select relname from pg_class where relnamespace = 'partywall'::regnamespace and relname ~ '^audit_(events|private)' and relkind in ('r', 'p')
         and not relrowsecurity`,
    )
    expect(open).toEqual([])
  })

  it('binds an event to the sealed tenant whatever the plain setting says', async () => {
    await attack(
      `with s as (select set_config('app.current_tenant_id', 'OTHER', true) as x offset 0)
       insert into partywall.audit_events (action) select 'rebound' from s where x is not null`,
    )
    const { rows } = await log.database.admin("select tenant_id from partywall.audit_events where action = 'rebound'")
    expect(rows.every((row) => row.tenant_id === log.a.id)).toBe(true)
  })

  it('reads no other log with the seal taken away, and none of the system stream', async () => {
    const seen = await attack(
      `select set_config('app.tenant_seal', '', true), set_config('app.current_tenant_id', 'OTHER', true),
         query_to_xml('select action from partywall.audit_events', true, false, '')::text as xml`,
    )
    expect(JSON.stringify(seen)).not.toContain('thing.done')
    const own = await attack('select distinct tenant_id from partywall.audit_events')
    expect(own).toMatchObject({ rows: [{ tenant_id: log.a.id }] })
  })

  it('lets the login of the application become none of the audit roles', async () => {
    const app = await log.client(log.database.appUrl)
    for (const role of ['partywall_sealer', 'partywall_auditor', 'partywall_privacy', 'partywall_owner']) {
      await expect(app.query(`set role ${role}`)).rejects.toMatchObject({ code: '42501' })
    }
  })

  it('keeps the sealer working while the application takes every advisory lock', async () => {
    await attack('select pg_advisory_lock(n) from generate_series(1, 50) as n')
    await log.as(log.a, () => log.audit.log({ action: 'still.sealed' }))
    await log.seal()
    expect(await log.verify()).toMatchObject({ verdict: 'whole', unsealed: 0 })
  })
})
