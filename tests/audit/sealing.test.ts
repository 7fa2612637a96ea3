import { randomInt } from 'node:crypto'
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import {
  anchorFile,
  createAuditSealer,
  createPemSigner,
  generateAuditKeys,
  inclusionProof,
  merkleRoot,
  pruneAuditMonth,
  readAnchorFile,
  verifyInclusion,
} from '../../src/audit/index.ts'
import { leafHash } from '../../src/audit/merkle.ts'
import { createSecurityEvents, type SecurityEvent } from '../../src/events/security-events.ts'
import { silentLogger } from '../../src/logger/logger.ts'
import { createSealedLog, type SealedLog } from './sealed-log.ts'

describe('the Merkle tree', () => {
  const leaves = Array.from({ length: 13 }, (_, n) => leafHash(Buffer.from([n])))

  it('has the root of RFC 6962 for its published test vector', () => {
    const data = ['', '00', '10', '2021', '3031', '40414243', '5051525354555657', '606162636465666768696a6b6c6d6e6f']
    const root = merkleRoot(data.map((each) => leafHash(Buffer.from(each, 'hex'))))
    expect(root.toString('hex')).toBe('5dc9da79a70659a9ad559cb701ded9a2ab9d823aad2f4960cfe370eff4604328')
  })

  it('proves each leaf of each size and no other', () => {
    for (let size = 1; size <= leaves.length; size++) {
      const tree = leaves.slice(0, size)
      const root = merkleRoot(tree)
      tree.forEach((leaf, index) => {
        const proof = inclusionProof(tree, index)
        expect(verifyInclusion(leaf, { index, size, root }, proof)).toBe(true)
        expect(verifyInclusion(leafHash(Buffer.from('x')), { index, size, root }, proof)).toBe(false)
        if (size > 1) expect(verifyInclusion(leaf, { index: (index + 1) % size, size, root }, proof)).toBe(false)
      })
    }
  })
})

describe('the sealer', () => {
  let log: SealedLog
  beforeAll(async () => {
    log = await createSealedLog()
  })
  afterAll(() => log.sealer.stop())

  it('seals what was committed, all of it and nothing twice, with 32 writers that abort and delay', async () => {
    const WRITERS = 32
    const EVENTS = 20_000
    const tenants = [log.a, log.b]
    const pool = log.newPool({ max: WRITERS })
    let committed = 0
    let writing = true
    const ticks = (async () => {
      while (writing) await log.sealer.tick({ force: true })
    })()
    const writer = async (number: number) => {
      const tenant = tenants[number % 2] ?? log.a
      while (committed < EVENTS) {
        const size = randomInt(1, 40)
        const aborts = randomInt(4) === 0
        await log.as(tenant, () =>
          pool
            .transaction(async (tx) => {
              for (let n = 0; n < size; n++) await log.audit.log({ action: 'soak', details: { n } }, { client: tx })
              if (randomInt(3) === 0) await tx.query('select pg_sleep(0.01)')
              if (aborts) throw new Error('abort')
            })
            .then(
              () => {
                committed += size
              },
              (error: unknown) => {
                if (!(error instanceof Error) || error.message !== 'abort') throw error
              },
            ),
        )
      }
    }
    await Promise.all(Array.from({ length: WRITERS }, (_, number) => writer(number)))
    writing = false
    await ticks
    await log.seal()
    const { rows } = await log.database.admin(
      `select count(*)::int as events, (select sum(cardinality(ids))::int from partywall.audit_checkpoints) as sealed,
         (select count(distinct i)::int from partywall.audit_checkpoints, unnest(ids) as i) as different
       from partywall.audit_events where action = 'soak'`,
    )
    expect(rows).toEqual([{ events: committed, sealed: committed, different: committed }])
    expect(await log.verify()).toMatchObject({ verdict: 'whole', events: committed, unsealed: 0 })
  }, 180_000)

  it('lets one of two lead', async () => {
    const holder = await log.client(log.sealerUrl)
    await holder.query('begin')
    await holder.query('select from partywall.audit_sealer for update')
    expect(await log.sealer.tick({ force: true })).toMatchObject({ state: 'follower' })
    await holder.query('rollback')
  })

  it('reports the lag when an open transaction holds the horizon, and catches up', async () => {
    const events = createSecurityEvents()
    const seen: SecurityEvent[] = []
    events.on('AUDIT_LAGGING', (event) => seen.push(event))
    const sealer = createAuditSealer({
      databaseUrl: log.sealerUrl,
      signer: createPemSigner(log.keys.privateKey),
      anchors: { publish: (anchor) => void log.published.push(anchor) },
      lagSeconds: 0,
      events,
      logger: silentLogger,
    })
    // What an attacker does with the application's own rights: a transaction that writes and never ends.
    const stall = log.as(log.a, () =>
      log.pool.transaction(async (tx) => {
        await tx.query("insert into partywall.audit_events (action) values ('stall')")
        await log.as(log.a, () => log.audit.log({ action: 'waits' }))
        const tick = await sealer.tick({ force: true })
        expect(tick).toMatchObject({ state: 'idle', unsealed: 1 })
        expect(await log.verify({ lagSeconds: 0 })).toMatchObject({ verdict: 'incomplete', unsealed: 1 })
      }),
    )
    await stall
    expect(seen).toMatchObject([{ type: 'AUDIT_LAGGING', unsealed: 1 }])
    await log.seal()
    await sealer.stop()
    expect(await log.verify({ lagSeconds: 0 })).toMatchObject({ verdict: 'whole', unsealed: 0 })
  })

  it('verifies across an erasure, and names personal values that are gone without one', async () => {
    const invite = (name: string) =>
      log.as(log.a, () =>
        log.audit.log({ action: 'invited', private: { email: `${name}@example.com` }, privateSubject: name }),
      )
    await invite('ann')
    await invite('bob')
    await log.seal()
    const privacy = await log.client(await log.login('partywall_privacy'))
    const { rows } = await privacy.query("select partywall.audit_erase($1, 'ann', 'request 7') as erased", [log.a.id])
    expect(rows).toEqual([{ erased: '1' }])
    await log.seal()
    expect(await log.verify()).toMatchObject({ verdict: 'whole', erased: 1 })
    const gone = await log.tampered("delete from partywall.audit_private where subject = 'bob'")
    expect(gone.damage).toMatchObject([{ kind: 'private-missing', tenant: log.a.id }])
    const changed = await log.tampered("update partywall.audit_private set data = '{}' where subject = 'bob'")
    expect(changed.damage).toMatchObject([{ kind: 'private-changed', tenant: log.a.id }])
  })

  it('changes its key with both signatures; either public key then verifies everything', async () => {
    const next = generateAuditKeys()
    const refused = createAuditSealer({
      databaseUrl: log.sealerUrl,
      signer: createPemSigner(next.privateKey),
      logger: silentLogger,
    })
    await expect(refused.tick({ force: true })).rejects.toMatchObject({ code: 'PARTYWALL_CONFIGURATION' })
    await refused.stop()
    const sealer = createAuditSealer({
      databaseUrl: log.sealerUrl,
      signer: createPemSigner(next.privateKey),
      previousSigner: createPemSigner(log.keys.privateKey),
      anchors: { publish: (anchor) => void log.published.push(anchor) },
      logger: silentLogger,
    })
    await log.as(log.a, () => log.audit.log({ action: 'after.rotation' }))
    await sealer.tick({ force: true })
    for (const key of [next.publicKey, log.keys.publicKey]) {
      expect(await log.verify({ publicKeys: [key] })).toMatchObject({ verdict: 'whole' })
    }
    // Pruning, too, goes on with the new key only.
    await log.database.admin(
      `create table partywall.audit_events_y2020m01 partition of partywall.audit_events for values from ('2020-01-01 00:00:00+00') to ('2020-02-01 00:00:00+00');
       alter table partywall.audit_events_y2020m01 owner to partywall_owner;
       insert into partywall.audit_events (who, action, occurred_at) select array[$$${log.a.id}$$, 'x', null, 'tenant_user'], 'old', '2020-01-15' from generate_series(1, 5)`,
    )
    const prune = () =>
      pruneAuditMonth({
        databaseUrl: log.sealerUrl,
        signer: createPemSigner(next.privateKey),
        month: '2020-01',
        anchors: { publish: (anchor) => void log.published.push(anchor) },
      })
    await expect(prune()).rejects.toMatchObject({ code: 'PARTYWALL_CONFIGURATION' })
    for (let tick = await sealer.tick({ force: true }); tick.unsealed > 0; ) tick = await sealer.tick({ force: true })
    expect(await prune()).toEqual({ events: 5, tenants: 1 })
    await sealer.stop()
    const verdict = await log.verify({ publicKeys: [next.publicKey] })
    expect(verdict.damage.map((each) => each.kind).filter((kind) => kind !== 'event-backdated')).toEqual([])
    expect(verdict.pruned).toBe(5)
    const forged = await log.tampered("update partywall.audit_checkpoints set signature = 'x' where kind = 'prune'")
    expect(forged.damage.filter((each) => each.kind === 'event-missing')).toHaveLength(5)
  })

  it('appends anchors to a file, and a line cut short by a crash counts as not written', async () => {
    const folder = await mkdtemp(join(tmpdir(), 'partywall-anchors-'))
    try {
      const path = join(folder, 'anchors.ndjson')
      const store = anchorFile(path)
      expect(await store.last?.()).toBeUndefined()
      for (const anchor of log.published.slice(0, 2)) await store.publish(anchor)
      await writeFile(path, `${await readFile(path, 'utf8')}{"n": 3, "ki`)
      expect((await readAnchorFile(path)).map((anchor) => anchor.n)).toEqual([1, 2])
      for (const anchor of log.published.slice(2, 3)) await anchorFile(path).publish(anchor)
      expect((await readAnchorFile(path)).map((anchor) => anchor.n)).toEqual([1, 2, 3])
      await writeFile(path, 'nonsense\n')
      await expect(readAnchorFile(path)).rejects.toMatchObject({ code: 'PARTYWALL_CONFIGURATION' })
    } finally {
      await rm(folder, { recursive: true })
    }
  })
})
