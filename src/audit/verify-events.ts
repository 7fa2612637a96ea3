import type pg from 'pg'
import type { DamageKind, DamageList } from './damage.ts'
import { EVENT_AT, EVENT_COLUMNS, eventLeaf, setAside, WHOLE_LEAF } from './event-leaf.ts'
import { readCursor } from './read-cursor.ts'
import type { AnchorChain } from './verify-anchors.ts'
import { type CheckedCheckpoint, verifyCheckpoints } from './verify-checkpoints.ts'
import { UnlistedEvents } from './verify-unlisted.ts'
import { commitment } from './write-event.ts'

/** Counts of the checked events. */
interface EventsSeen {
  readonly events: number
  readonly tenants: number
  readonly checkpoints: number
  readonly pruned: number
  readonly erased: number
  readonly unsealed: number
  readonly oldestUnsealedSeconds: number
}

/** Compares each event with the leaf in its signed checkpoint, and each listed event with the table, in one pass over a join. */
export async function verifyEvents(
  client: pg.ClientBase,
  chain: AnchorChain,
  damage: DamageList,
  tenant: string | undefined,
): Promise<EventsSeen> {
  const checkpoints = await verifyCheckpoints(client, chain, damage, tenant)
  const only = tenant === undefined ? '' : 'where tenant_id = $1'
  await client.query({
    text: `declare audit_all no scroll cursor for
      select ${EVENT_COLUMNS}, c.tenant_id, c.n::text, c.pos::text, c.id::text, encode(p.salt, 'hex'), p.data
      from (select tenant_id, n, l.id, l.pos from partywall.audit_checkpoints, unnest(ids) with ordinality as l (id, pos)
            where kind = 'seal' ${tenant === undefined ? '' : 'and tenant_id = $1'}) as c
      full join (select * from partywall.audit_events ${only}) as e on e.tenant_id = c.tenant_id and e.id = c.id
      left join partywall.audit_private p on p.tenant_id = e.tenant_id and p.occurred_at = e.occurred_at and p.event_id = e.id
      order by c.tenant_id collate "C", c.n, c.pos`,
    values: tenant === undefined ? [] : [tenant],
  })
  const walk = new Walk(chain, checkpoints.all, damage)
  await readCursor(client, 'audit_all', (row) => walk.row(row))
  const unlisted = await walk.unlisted.judge(client, chain, damage, walk.missing)
  walk.reportMissing(unlisted.moved)
  await checkWholeLeaves(client, walk, damage)
  await checkErasures(client, walk, damage)
  await checkMonths(client, chain, damage)
  return {
    events: walk.events,
    tenants: walk.tenants.size,
    checkpoints: checkpoints.count,
    pruned: walk.pruned,
    erased: walk.withoutPrivate.size,
    unsealed: unlisted.unsealed,
    oldestUnsealedSeconds: unlisted.oldestSeconds,
  }
}

interface Missing {
  readonly tenant: string
  readonly checkpoint: number
  readonly position: number
}

class Walk {
  events = 0
  pruned = 0
  readonly tenants = new Set<string>()
  readonly missing = new Map<string, Missing>()
  /** Events with large details. An older release computed their leaf over the whole text. */
  readonly inDoubt: (Missing & { readonly event: string; readonly signed: Buffer })[] = []
  /** Events whose personal values are missing: erased on request, or removed without a record. */
  readonly withoutPrivate = new Map<string, string>()
  readonly unlisted = new UnlistedEvents()
  readonly #chain: AnchorChain
  readonly #checkpoints: ReadonlyMap<string, CheckedCheckpoint>
  readonly #damage: DamageList
  #lastEvent = ''
  #lastPosition = 0
  #lastOrder = ''
  #group = { tenant: '', checkpoint: 0, of: undefined as CheckedCheckpoint | undefined }

  constructor(chain: AnchorChain, checkpoints: ReadonlyMap<string, CheckedCheckpoint>, damage: DamageList) {
    this.#chain = chain
    this.#checkpoints = checkpoints
    this.#damage = damage
  }

  row(row: readonly unknown[]): void {
    const there = row[EVENT_AT.id] !== null
    if (there) {
      this.events++
      this.tenants.add(String(row[EVENT_AT.tenant]))
      this.#checkPrivate(row)
    }
    if (row[LISTED.tenant] === null) {
      this.unlisted.add(row)
      return
    }
    const checkpoint = this.#enter(String(row[LISTED.tenant]), Number(row[LISTED.n]))
    const event = String(row[LISTED.id])
    const position = Number(row[LISTED.position])
    if (!there) {
      if (checkpoint?.pruned.has(event) === true) this.pruned++
      else this.missing.set(event, { tenant: this.#group.tenant, checkpoint: this.#group.checkpoint, position })
      return
    }
    if (event === this.#lastEvent && position === this.#lastPosition) {
      this.#found(event, position, 'event-duplicated', 'the event is in the table twice')
      return
    }
    this.#lastEvent = event
    this.#lastPosition = position
    const text = String(row[EVENT_AT.leafText])
    const leaves = checkpoint?.leaves
    const signed = leaves?.subarray((position - 1) * 32, position * 32)
    if (signed === undefined || !eventLeaf(text).equals(signed)) {
      if (signed !== undefined && setAside(text) === 'digest') {
        this.inDoubt.push({ event, tenant: this.#group.tenant, checkpoint: this.#group.checkpoint, position, signed })
        return
      }
      this.#found(event, position, 'event-changed', 'the event is not what was sealed')
      return
    }
    if (checkpoint !== undefined) this.#checkTime(event, position, row, checkpoint)
    this.#checkOrder(event, position, row)
  }

  /** Moves on to the row's checkpoint. Rows are sorted by checkpoint. */
  #enter(tenant: string, checkpoint: number): CheckedCheckpoint | undefined {
    if (this.#group.checkpoint !== checkpoint || this.#group.tenant !== tenant) {
      this.#group = { tenant, checkpoint, of: this.#checkpoints.get(`${tenant}\n${checkpoint}`) }
      this.#lastEvent = ''
      this.#lastOrder = ''
    }
    return this.#group.of
  }

  #found(event: string, position: number, kind: DamageKind, detail: string): void {
    const { tenant, checkpoint } = this.#group
    this.#damage.add({ tenant, checkpoint, position, event, kind, detail })
  }

  /** Reports missing events, except those that `judge` found in another tenant's log. */
  reportMissing(moved: ReadonlySet<string>): void {
    for (const [event, place] of this.missing) {
      if (moved.has(event)) continue
      this.#damage.add({ ...place, event, kind: 'event-missing', detail: 'the event was sealed and is gone' })
    }
  }

  #checkPrivate(row: readonly unknown[]): void {
    const promised = row[EVENT_AT.commitment]
    if (promised === null) return
    const event = String(row[EVENT_AT.id])
    const tenant = String(row[EVENT_AT.tenant])
    const salt = row[LISTED.salt]
    if (salt === null) this.withoutPrivate.set(event, tenant)
    else if (commitmentHex(String(salt), String(row[LISTED.data])) !== promised) {
      const detail = 'its personal values are not the committed ones'
      this.#damage.add({ kind: 'private-changed', tenant, event, detail })
    }
  }

  #checkTime(event: string, position: number, row: readonly unknown[], checkpoint: CheckedCheckpoint): void {
    const at = String(row[EVENT_AT.occurredAt])
    const notBefore = this.#chain.notBefore(String(row[EVENT_AT.xid]), checkpoint.anchor)
    // Tolerate five minutes, because the server's clock may have been set back.
    if (notBefore === undefined || Date.parse(at) >= Date.parse(notBefore) - 300_000) return
    this.#found(event, position, 'event-backdated', `it says ${at}, and was written after ${notBefore}`)
  }

  #checkOrder(event: string, position: number, row: readonly unknown[]): void {
    const order = `${String(row[EVENT_AT.xid]).padStart(20, '0')} ${row[EVENT_AT.occurredAt]} ${event}`
    if (this.#lastOrder > order) {
      this.#found(event, position, 'events-reordered', 'the checkpoint lists its events in another order')
    }
    this.#lastOrder = order
  }
}

/** Positions of the other columns of a row, which follow the event's columns. */
const LISTED = { tenant: 6, n: 7, position: 8, id: 9, salt: 10, data: 11 } as const

function commitmentHex(salt: string, data: string): string {
  return commitment(Buffer.from(salt, 'hex'), data).toString('hex')
}

/** Checks the events in doubt one by one, because the server builds a text of up to a gigabyte for each of them. */
async function checkWholeLeaves(client: pg.ClientBase, walk: Walk, damage: DamageList): Promise<void> {
  for (const { event, signed, ...place } of walk.inDoubt) {
    const { rows } = await client.query(
      `select ${WHOLE_LEAF} as leaf from partywall.audit_events e where e.tenant_id = $1 and e.id = $2`,
      [place.tenant, event],
    )
    if (rows.length === 1 && rows[0].leaf === signed.toString('hex')) continue
    damage.add({ ...place, event, kind: 'event-changed', detail: 'the event is not what was sealed' })
  }
}

/** Personal values may be missing only if a signed `audit.erased` event names the event. */
async function checkErasures(client: pg.ClientBase, walk: Walk, damage: DamageList): Promise<void> {
  if (walk.withoutPrivate.size === 0) return
  const { rows } = await client.query(
    `select distinct l.id from partywall.audit_events e, jsonb_array_elements_text(e.details -> 'events') as l (id)
       where e.action = 'audit.erased' and e.role = 'partywall_privacy'`,
  )
  const erased = new Set(rows.map((row) => String(row.id)))
  for (const [event, tenant] of walk.withoutPrivate) {
    if (erased.has(event)) continue
    walk.withoutPrivate.delete(event)
    damage.add({
      kind: 'private-missing',
      tenant,
      event,
      detail: 'its personal values are gone, and no erasure was recorded',
    })
  }
}

/** Each month since the first anchor must have its table, or a signed record that it was dropped. */
async function checkMonths(client: pg.ClientBase, chain: AnchorChain, damage: DamageList): Promise<void> {
  if (chain.first === undefined) return
  const { rows } = await client.query(
    `select to_char(m, 'YYYY-MM') as month from generate_series(date_trunc('month', $1::timestamptz at time zone 'UTC'),
         date_trunc('month', now() at time zone 'UTC'), interval '1 month') as m
       where not exists (select from pg_inherits i join pg_class c on c.oid = i.inhrelid
         where i.inhparent = 'partywall.audit_events'::regclass
           and pg_get_expr(c.relpartbound, c.oid) like '%' || to_char(m, 'YYYY-MM-DD') || '%TO%')`,
    [chain.first.at],
  )
  for (const { month } of rows) {
    if (chain.prunedMonths.has(month)) continue
    damage.add({
      kind: 'month-dropped',
      detail: `the month ${month} is not in the table, and no signed record says that it was dropped`,
    })
  }
}
