import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { createSealedLog, type SealedLog } from './sealed-log.ts'

/** Picks one sealed event of tenant A. */
const ONE = (action = 'order by occurred_at offset 2 limit 1') =>
  `(select id from partywall.audit_events where tenant_id = 'TENANT' and action = 'thing.done' ${action})`

describe('a log that somebody with all rights has changed', () => {
  let log: SealedLog
  beforeAll(async () => {
    log = await createSealedLog()
    for (let n = 0; n < 3; n++) await log.batch(4)
    await log.as(log.a, () => log.audit.log({ action: 'user.invited', private: { email: 'ann@example.com' } }))
    await log.seal()
  })
  afterAll(() => log.sealer.stop())

  const sql = (text: string) => text.replaceAll('TENANT', log.a.id).replaceAll('OTHER', log.b.id)
  const kinds = (verdict: { readonly damage: readonly { readonly kind: string }[] }) => [
    ...new Set(verdict.damage.map((each) => each.kind)),
  ]

  it('is whole before', async () => {
    const verdict = await log.verify()
    expect(verdict).toMatchObject({ verdict: 'whole', damage: [], events: 28, tenants: 3, checkpoints: 10, anchors: 4 })
  })

  it('names tenant, checkpoint and position of a changed event', async () => {
    const verdict = await log.tampered(
      sql(`update partywall.audit_events set details = '{"n": 99}' where id = ${ONE()}`),
    )
    expect(verdict.verdict).toBe('tampered')
    expect(verdict.damage).toMatchObject([{ kind: 'event-changed', tenant: log.a.id, checkpoint: 1, position: 3 }])
  })

  it.each([
    ['a microsecond', `occurred_at = occurred_at + interval '1 microsecond'`],
    ['who did it', `who = array[who[1], 'somebody-else', who[3], who[4]]`],
    ['the outcome', `outcome = 'denied'`],
    ['the commitment', `private_commitment = sha256('x')`],
  ])('notices a change of %s', async (_what, change) => {
    const verdict = await log.tampered(sql(`update partywall.audit_events set ${change} where id = ${ONE()}`))
    expect(kinds(verdict)).toContain('event-changed')
  })

  it('notices a change in the last digit of a long number', async () => {
    await log.as(log.a, () =>
      log.pool.query(
        `insert into partywall.audit_events (action, details) values ('long.number', '{"n": 12345678901234567890}')`,
      ),
    )
    await log.seal()
    const verdict = await log.tampered(
      `update partywall.audit_events set details = '{"n": 12345678901234567891}' where action = 'long.number'`,
    )
    expect(kinds(verdict)).toEqual(['event-changed'])
  })

  it('names a deleted event', async () => {
    const verdict = await log.tampered(sql(`delete from partywall.audit_events where id = ${ONE()}`))
    expect(verdict.damage).toMatchObject([{ kind: 'event-missing', tenant: log.a.id, checkpoint: 1, position: 3 }])
  })

  it('names an event that was put between others later', async () => {
    const verdict = await log.tampered(
      sql(`insert into partywall.audit_events (who, action, xid, occurred_at)
             select who, 'forged', xid, occurred_at + interval '1 microsecond' from partywall.audit_events where id = ${ONE()}`),
    )
    expect(verdict.damage).toMatchObject([{ kind: 'event-inserted', tenant: log.a.id }])
  })

  it('names an event of a transaction that is yet to come', async () => {
    const verdict = await log.tampered(
      sql(
        `insert into partywall.audit_events (who, action, xid) select who, 'forged', '99999999' from partywall.audit_events where id = ${ONE()}`,
      ),
    )
    expect(kinds(verdict)).toEqual(['event-inserted'])
  })

  it('names events whose order was changed', async () => {
    const verdict = await log.tampered(
      sql(`update partywall.audit_checkpoints set ids = array[ids[2], ids[1]] || ids[3:],
             leaves = substr(leaves, 33, 32) || substr(leaves, 1, 32) || substr(leaves, 65)
           where tenant_id = 'TENANT' and n = 1`),
    )
    expect(kinds(verdict)).toContain('checkpoint-changed')
    expect(kinds(verdict)).toContain('events-reordered')
  })

  it('names an event that was moved to another tenant', async () => {
    const verdict = await log.tampered(
      sql(`update partywall.audit_events set who = array['OTHER', who[2], who[3], who[4]] where id = ${ONE()}`),
    )
    expect(verdict.damage).toMatchObject([{ kind: 'event-moved', tenant: log.b.id }])
  })

  it('names an event that is there twice', async () => {
    const verdict = await log.tampered(
      sql(`insert into partywall.audit_events (id, who, action, xid, occurred_at)
             select id, who, action, xid, occurred_at + interval '1 second' from partywall.audit_events where id = ${ONE()}`),
    )
    expect(kinds(verdict)).toContain('event-duplicated')
  })

  it('names an event that says it is older than it can be', async () => {
    // Real transaction, sealed honestly: only its time is a lie.
    await log.database.admin(
      sql(`create table partywall.audit_events_y2020m02 partition of partywall.audit_events
             for values from ('2020-02-01 00:00:00+00') to ('2020-03-01 00:00:00+00');
           insert into partywall.audit_events (who, action, occurred_at)
             values (array['TENANT', 'x', null, 'tenant_user'], 'backdated', '2020-02-02 02:02:02+00')`),
    )
    await log.seal()
    expect(kinds(await log.verify())).toEqual(['event-backdated'])
    await log.database.admin(`update partywall.audit_events set occurred_at = occurred_at where action = 'backdated'`)
  })
})

describe('checkpoints and anchors that somebody has changed', () => {
  let log: SealedLog
  beforeAll(async () => {
    log = await createSealedLog()
    for (let n = 0; n < 4; n++) await log.batch(3)
  })
  afterAll(() => log.sealer.stop())

  const sql = (text: string) => text.replaceAll('TENANT', log.a.id).replaceAll('OTHER', log.b.id)
  const kinds = (verdict: { readonly damage: readonly { readonly kind: string }[] }) => [
    ...new Set(verdict.damage.map((each) => each.kind)),
  ]
  const tail = `with gone as (delete from partywall.audit_checkpoints where anchor_n >= 3 returning ids)
    delete from partywall.audit_events where id in (select unnest(ids) from gone);
    delete from partywall.audit_anchors where n >= 3`

  it('names a replaced checkpoint', async () => {
    const verdict = await log.tampered(
      sql(`update partywall.audit_checkpoints c set leaves = o.leaves, ids = o.ids, body = replace(o.body, 'OTHER', 'TENANT'),
             hash = sha256('\\x02' || convert_to(replace(o.body, 'OTHER', 'TENANT'), 'UTF8'))
           from partywall.audit_checkpoints o where c.tenant_id = 'TENANT' and o.tenant_id = 'OTHER' and c.n = 2 and o.n = 2`),
    )
    expect(kinds(verdict)).toContain('checkpoint-signature')
    expect(kinds(verdict)).toContain('anchor-changed')
    expect(verdict.damage.find((each) => each.kind === 'checkpoint-signature')).toMatchObject({
      tenant: log.a.id,
      checkpoint: 2,
    })
  })

  it('names a checkpoint that was removed with its events', async () => {
    const verdict = await log.tampered(
      sql(`with gone as (delete from partywall.audit_checkpoints where tenant_id = 'TENANT' and n = 2 returning ids)
           delete from partywall.audit_events where id in (select unnest(ids) from gone)`),
    )
    expect(verdict.damage).toEqual(
      expect.arrayContaining([
        expect.objectContaining({ kind: 'checkpoint-missing', tenant: log.a.id, checkpoint: 2 }),
      ]),
    )
  })

  it('names a removed anchor', async () => {
    const verdict = await log.tampered('delete from partywall.audit_anchors where n = 2', { anchors: undefined })
    expect(verdict.damage).toEqual(
      expect.arrayContaining([expect.objectContaining({ kind: 'anchor-missing', anchor: 2 })]),
    )
  })

  it('finds a cut tail against outside anchors, and names whose it was; without them it says that it can not', async () => {
    const verdict = await log.tampered(tail)
    expect(kinds(verdict)).toEqual(['tail-cut'])
    expect(verdict.damage).toEqual(
      expect.arrayContaining([
        expect.objectContaining({ kind: 'tail-cut', tenant: log.a.id, checkpoint: 3, anchor: 3 }),
      ]),
    )
    const blind = await log.tampered(tail, { anchors: undefined })
    expect(blind.verdict).toBe('whole')
    expect(blind.limits.join(' ')).toContain('No outside anchors')
  })

  it('finds an older backup that was put back, and the sealer refuses to go on from it', async () => {
    const { createAuditSealer, createPemSigner } = await import('../../src/audit/index.ts')
    await log.tampered(tail) // proves that the state below is what verify names
    const sealer = createAuditSealer({
      databaseUrl: log.sealerUrl,
      signer: createPemSigner(log.keys.privateKey),
      anchors: { publish: () => {}, last: async () => ({ ...log.published.at(-1), n: 99 }) as never },
    })
    await expect(sealer.tick()).rejects.toMatchObject({ code: 'PARTYWALL_CONFIGURATION' })
    await sealer.stop()
  })

  it('finds a history that was rewritten and signed anew with the stolen key', async () => {
    const verdict = await log.verify({
      anchors: log.published.map((anchor) => (anchor.n === 2 ? { ...anchor, hash: '00'.repeat(32) } : anchor)),
      tenant: log.a.id,
    })
    expect(verdict.damage).toMatchObject([{ kind: 'history-rewritten', anchor: 2, tenant: log.a.id }])
  })

  it('names a month whose table was dropped', async () => {
    const { rows } = await log.database.admin("select to_char(now() at time zone 'UTC', 'YYYY-MM') as month")
    const month: string = rows[0].month
    const verdict = await log.tampered(`drop table partywall.audit_events_y${month.replace('-', 'm')}`)
    expect(kinds(verdict)).toContain('month-dropped')
    expect(verdict.damage.find((each) => each.kind === 'month-dropped')?.detail).toContain(month)
  })

  it('can not tell with a key that signed nothing here', async () => {
    const { generateAuditKeys } = await import('../../src/audit/index.ts')
    const verdict = await log.verify({ publicKeys: [generateAuditKeys().publicKey] })
    expect(verdict.verdict).toBe('incomplete')
  })

  it('is whole again when everything was put back', async () => {
    expect(await log.verify()).toMatchObject({ verdict: 'whole', damage: [] })
  })
})
