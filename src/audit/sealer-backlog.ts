import type pg from 'pg'

/** No batch begins with more events than this; a single transaction is never split. */
const BACKLOG = 20_000

/** Counting further would cost more than sealing a batch. */
const COUNTED = 100_000

/** Condition for events that no checkpoint lists. */
const NOT_LISTED = ` and not exists (select from partywall.audit_checkpoints c, unnest(c.ids) as l (id)
  where c.kind = 'seal' and c.tenant_id = e.tenant_id and l.id = e.id)`

/** The events that a tick reads: a condition on `e` that uses `$1` and `$2`. */
interface Window {
  readonly where: string
  readonly values: readonly [from: string, end: string]
  /** All that is visible is sealed, whatever numbers it has: the first tick after a restore into this cluster. */
  readonly everything: boolean
}

/**
 * The place of the next tick among the transactions' numbers.
 *
 * After a restore into another cluster, numbers begin anew: events from before have numbers that this cluster is yet to give out.
 * The first tick there seals what no checkpoint lists; from then on, until the numbers have passed the old ones, what a
 * checkpoint lists is left out.
 */
export class SealingWindow {
  /** Events of another cluster may have numbers below this one. Undefined until it was read. */
  #othersUntil: bigint | undefined

  async at(
    client: pg.ClientBase,
    place: { readonly system: string; readonly next: string },
    head: { readonly system: string; readonly to: string } | undefined,
  ): Promise<Window> {
    // Every row has a smaller number.
    const noEnd = (1n << 63n).toString()
    if (head !== undefined && head.system !== place.system) {
      this.#othersUntil = await highest(client, place.next)
      const where = `e.xid >= $1::xid8 and e.xid < $2::xid8${NOT_LISTED}`
      return { where, values: ['0', noEnd], everything: true }
    }
    const from = head?.to ?? '0'
    this.#othersUntil ??= (await wasRestored(client, place.system)) ? await highest(client, place.next) : 0n
    const mixed = BigInt(from) < this.#othersUntil
    const where = `e.xid >= $1::xid8 and e.xid < $2::xid8${mixed ? NOT_LISTED : ''}`
    // No transaction of this cluster has a number from `next` on: what has one was restored.
    return { where, values: [from, place.next], everything: false }
  }
}

/** How many events wait, counted up to 100,000, and how old the oldest of them is. */
export async function measureBacklog(
  client: pg.ClientBase,
  window: Window,
): Promise<{ readonly count: number; readonly ageMs: number }> {
  const { rows } = await client.query(
    `select count(*)::int as count,
       coalesce(extract(epoch from clock_timestamp() - min(w.occurred_at)) * 1000, 0)::float8 as age
     from (select e.occurred_at from partywall.audit_events e where ${window.where} order by e.xid limit $3) as w`,
    [...window.values, COUNTED],
  )
  return { count: rows[0].count, ageMs: rows[0].age }
}

/** The horizon, or less where a backlog waits. A transaction is never split: its events share one number. */
export async function batchEnd(client: pg.ClientBase, window: Window, horizon: string): Promise<string> {
  if (window.everything) return horizon
  const { rows } = await client.query(
    `select e.xid::text as xid from partywall.audit_events e where ${window.where} order by e.xid offset $3 limit 1`,
    [window.values[0], horizon, BACKLOG],
  )
  return rows[0] === undefined ? horizon : (BigInt(rows[0].xid) + 1n).toString()
}

async function wasRestored(client: pg.ClientBase, system: string): Promise<boolean> {
  const { rows } = await client.query(
    `select exists (select from partywall.audit_anchors where body::jsonb ->> 'system' <> $1) as restored`,
    [system],
  )
  return rows[0].restored === true
}

async function highest(client: pg.ClientBase, next: string): Promise<bigint> {
  // max(xid8) is of PostgreSQL 16.
  const { rows } = await client.query(
    'select xid::text from partywall.audit_events order by audit_events.xid desc limit 1',
  )
  const xid = BigInt(rows[0]?.xid ?? 0) + 1n
  return xid > BigInt(next) ? xid : BigInt(next)
}
