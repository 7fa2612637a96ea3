// One event of one tenant must not stop the sealer, which seals the events of all tenants.
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { createAuditSealer, createPemSigner } from '../../src/audit/index.ts'
import { silentLogger } from '../../src/logger/logger.ts'
import { createSealedLog, type SealedLog } from '../audit/sealed-log.ts'

describe('events of any size', () => {
  let log: SealedLog
  beforeAll(async () => {
    log = await createSealedLog()
  })
  afterAll(() => log.sealer.stop())

  const large: [name: string, details: string][] = [
    ['20 MB', "jsonb_build_object('x', repeat('x', 20000000))"],
    ['a little too much', "jsonb_build_object('x', repeat('x', 131072))"],
    [
      'numbers that are short in memory and long as text',
      '(select jsonb_agg(1e308::numeric) from generate_series(1, 1000))',
    ],
    ['characters of several bytes', "jsonb_build_object('x', repeat('\u20ac', 60000))"],
    ['many small values', '(select jsonb_agg(g) from generate_series(1, 100000) as g)'],
  ]
  it.each(large)('refuses injected details of %s', async (_name, details) => {
    const insert = `insert into partywall.audit_events (action, details) select 'flood', ${details}`
    await expect(log.as(log.a, () => log.pool.query(insert))).rejects.toMatchObject({ code: '23514' })
  })

  it('writes an event whatever numbers a client sends', async () => {
    const numbers = Array.from({ length: 190 }, () => 1e308)
    const details = Object.fromEntries(Array.from({ length: 6 }, (_, n) => [`n${n}`, numbers]))
    await log.as(log.a, () => log.audit.log({ action: 'numbers', details }, { mode: 'required' }))
    const { rows } = await log.database.admin(
      "select octet_length(details::text) as bytes from partywall.audit_events where action = 'numbers'",
    )
    expect(rows).toHaveLength(1)
    expect(rows[0].bytes).toBeLessThan(16_384)
  })

  it('seals what an older release let in by its digest, loudly, and the events of all others', async () => {
    await log.database.admin('alter table partywall.audit_events drop constraint audit_events_details_size')
    // 10 MB here, 60 as jsonb's text, 70 as JSON of it: eight of these were more than a string of JavaScript holds.
    await log.as(log.a, () =>
      log.pool.query(
        "insert into partywall.audit_events (action, details) select 'old flood', jsonb_build_object('x', repeat(chr(1), 10000000 + g)) from generate_series(1, 2) as g",
      ),
    )
    await log.as(log.b, () => log.audit.log({ action: 'honest' }, { mode: 'required' }))
    const errors: object[] = []
    const { privateKey } = log.keys
    const sealer = createAuditSealer({
      databaseUrl: log.sealerUrl,
      signer: createPemSigner(privateKey),
      anchors: { publish: (anchor) => void log.published.push(anchor) },
      logger: { ...silentLogger, error: (fields) => void errors.push(fields) },
    })
    try {
      // Transactions of other test files hold the server's horizon back for moments.
      await expect.poll(async () => (await sealer.tick({ force: true })).unsealed, { timeout: 20_000 }).toBe(0)
    } finally {
      await sealer.stop()
    }
    expect(errors).toEqual([{ tenant: log.a.id, digest: 2, unreadable: 0 }])
    expect(await log.verify()).toMatchObject({ damage: [] })
    const swap = (from: number, to: number) =>
      log.database.admin(
        `update partywall.audit_events set details = jsonb_build_object('x', repeat(chr($2), 10000001))
           where action = 'old flood' and details ->> 'x' = repeat(chr($1), 10000001)`,
        [from, to],
      )
    expect((await swap(1, 2)).rowCount).toBe(1)
    expect((await log.verify()).damage.map(({ kind }) => kind)).toEqual(['event-changed'])
    await swap(2, 1)
    expect((await log.verify()).damage).toEqual([])
  })

  it('seals one transaction of many events in several checkpoints', async () => {
    await log.as(log.a, () =>
      log.pool.query("insert into partywall.audit_events (action) select 'many' from generate_series(1, 10500)"),
    )
    await log.seal()
    const { rows } = await log.database.admin(
      `select cardinality(ids) as size from partywall.audit_checkpoints where tenant_id = $1 order by n desc limit 2`,
      [log.a.id],
    )
    expect(rows.map((row) => row.size)).toEqual([500, 10_000])
    expect(await log.verify()).toMatchObject({ damage: [] })
  })
})
