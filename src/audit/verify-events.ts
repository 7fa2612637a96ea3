import type pg from 'pg'
import type { DamageList } from './damage.ts'
import { eventLeaf, LEAF_AT, LEAF_COLUMNS, LEAF_WIDTH } from './event-leaf.ts'
import { ALL_TEXT } from './seal-batch.ts'
import type { AnchorChain } from './verify-anchors.ts'
import { type CheckedCheckpoint, verifyCheckpoints } from './verify-checkpoints.ts'
import { UnlistedEvents } from './verify-unlisted.ts'
import { commitment } from './write-event.ts'

/** What was looked at. */
export interface EventsSeen {
  readonly events: number
  readonly tenants: number
  readonly checkpoints: number
  readonly pruned: number
  readonly erased: number
  readonly unsealed: number
  readonly oldestUnsealedSeconds: number
}

const FETCH = 2000

/** Every event against the leaf that its checkpoint signed, every listed event against the table, in one pass over a join. */
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
      select c.tenant_id, c.n::text, c.pos::text, c.id::text, p.subject, encode(p.salt, 'hex'), p.data, ${LEAF_COLUMNS}
      from (select tenant_id, n, l.id, l.pos from partywall.audit_checkpoints, unnest(ids) with ordinality as l (id, pos)
            where kind = 'seal' ${tenant === undefined ? '' : 'and tenant_id = $1'}) as c
      full join (select * from partywall.audit_events ${only}) as e on e.tenant_id = c.tenant_id and e.id = c.id
      left join partywall.audit_private p on p.tenant_id = e.tenant_id and p.occurred_at = e.occurred_at and p.event_id = e.id
      order by c.tenant_id, c.n, c.pos`,
    values: tenant === undefined ? [] : [tenant],
  })
  const walk = new Walk(chain, checkpoints.all, damage)
  for (;;) {
    const { rows } = await client.query({ text: `fetch ${FETCH} from audit_all`, rowMode: 'array', types: ALL_TEXT })
    for (const row of rows) walk.row(row)
    if (rows.length < FETCH) break
  }
  await client.query('close audit_all')
  const unlisted = await walk.unlisted.judge(client, chain, damage, walk.missing)
  walk.reportMissing(unlisted.moved)
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
  /** Events whose personal values are gone: erased on request, or removed. */
  readonly withoutPrivate = new Map<string, string>()
  readonly unlisted = new UnlistedEvents()
  readonly #chain: AnchorChain
  readonly #checkpoints: ReadonlyMap<string, CheckedCheckpoint>
  readonly #damage: DamageList
  #lastPlace = ''
  #lastOrder: readonly string[] = []

  constructor(chain: AnchorChain, checkpoints: ReadonlyMap<string, CheckedCheckpoint>, damage: DamageList) {
    this.#chain = chain
    this.#checkpoints = checkpoints
    this.#damage = damage
  }

  row(row: readonly unknown[]): void {
    const [listedTenant, n, pos, listedId, , salt, data] = row
    const columns = row.slice(7, 7 + LEAF_WIDTH)
    const there = columns[LEAF_AT.id] !== null
    if (there) {
      this.events++
      this.tenants.add(String(columns[LEAF_AT.tenant]))
      this.#checkPrivate(columns, salt, data)
    }
    if (listedTenant === null) {
      this.unlisted.add(columns)
      return
    }
    const tenant = String(listedTenant)
    const place = { tenant, checkpoint: Number(n), position: Number(pos), event: String(listedId) }
    const checkpoint = this.#checkpoints.get(`${tenant}\n${place.checkpoint}`)
    if (!there) {
      if (checkpoint?.pruned.has(place.event) === true) this.pruned++
      else this.missing.set(place.event, place)
      return
    }
    const placeText = `${tenant}\n${place.checkpoint}\n${place.position}`
    if (placeText === this.#lastPlace) {
      this.#damage.add({ ...place, kind: 'event-duplicated', detail: 'the event is in the table twice' })
      return
    }
    this.#lastPlace = placeText
    const leaf = checkpoint?.leaves.subarray((place.position - 1) * 32, place.position * 32)
    if (leaf === undefined || !eventLeaf(columns).equals(leaf)) {
      this.#damage.add({ ...place, kind: 'event-changed', detail: 'the event is not what was sealed' })
      return
    }
    this.#checkTime(place, columns, checkpoint)
    this.#checkOrder(place, columns)
  }

  /** Missing events, but for those that `judge` found in another tenant's log. */
  reportMissing(moved: ReadonlySet<string>): void {
    for (const [event, place] of this.missing) {
      if (moved.has(event)) continue
      this.#damage.add({ ...place, event, kind: 'event-missing', detail: 'the event was sealed and is gone' })
    }
  }

  #checkPrivate(columns: readonly unknown[], salt: unknown, data: unknown): void {
    const promised = columns[LEAF_AT.commitment]
    if (promised === null) return
    const event = String(columns[LEAF_AT.id])
    const tenant = String(columns[LEAF_AT.tenant])
    if (salt === null) this.withoutPrivate.set(event, tenant)
    else if (commitmentHex(String(salt), String(data)) !== promised) {
      this.#damage.add({
        kind: 'private-changed',
        tenant,
        event,
        detail: 'its personal values are not the committed ones',
      })
    }
  }

  #checkTime(place: object, columns: readonly unknown[], checkpoint: CheckedCheckpoint | undefined): void {
    if (checkpoint === undefined) return
    const at = String(columns[LEAF_AT.occurredAt])
    const notBefore = this.#chain.notBefore(String(columns[LEAF_AT.xid]), checkpoint.anchor)
    // Five minutes: the server's clock may have been set back.
    if (notBefore === undefined || Date.parse(at) >= Date.parse(notBefore) - 300_000) return
    this.#damage.add({ ...place, kind: 'event-backdated', detail: `it says ${at}, and was written after ${notBefore}` })
  }

  #checkOrder(place: { readonly tenant: string; readonly checkpoint: number }, columns: readonly unknown[]): void {
    const xid = String(columns[LEAF_AT.xid]).padStart(20, '0')
    const order = [
      `${place.tenant}\n${place.checkpoint}`,
      `${xid} ${columns[LEAF_AT.occurredAt]} ${columns[LEAF_AT.id]}`,
    ]
    const [group, key] = this.#lastOrder
    if (group === order[0] && key !== undefined && key > String(order[1])) {
      this.#damage.add({
        ...place,
        kind: 'events-reordered',
        detail: 'the checkpoint lists its events in another order',
      })
    }
    this.#lastOrder = order
  }
}

function commitmentHex(salt: string, data: string): string {
  return commitment(Buffer.from(salt, 'hex'), data).toString('hex')
}

/** Personal values may be gone only where a signed `audit.erased` event names the event. */
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
      detail: 'its personal values are gone and nobody recorded an erasure',
    })
  }
}

/** Each month since the first anchor has its table, or a signed record that says it was dropped. */
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
