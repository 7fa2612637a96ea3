import type pg from 'pg'

/** Approximate number of events in a batch. A batch may have more, because a transaction is never split. */
const MAX_BATCH = 20_000

/** Maximum number of unsealed events that are counted. Counting more would cost more than sealing a batch. */
const COUNTED = 100_000

/** SQL condition for events that no checkpoint (docs/glossary.md) lists. */
const NOT_LISTED = ` and not exists (select from partywall.audit_checkpoints c, unnest(c.ids) as l (id)
  where c.kind = 'seal' and c.tenant_id = e.tenant_id and l.id = e.id)`

/** The events that a tick (one round of the sealer) reads: a condition on `e` that uses `$1` and `$2`. */
interface Window {
  readonly where: string
  readonly values: readonly [from: string, end: string]
  /** True in the first tick after a restore into this cluster. This tick seals all visible events that no checkpoint lists. */
  readonly everything: boolean
}

/**
 * The range of transaction numbers for the next tick.
 *
 * After a restore into another cluster, transaction numbers start again. Restored events then have numbers that this cluster has not used
 * yet. The first tick seals every event that no checkpoint lists. Until the cluster's numbers have passed the restored ones, the ranges of later
 * ticks contain restored events too. These ticks skip the events that a checkpoint lists.
 */
export class SealingWindow {
  /** Upper bound of the transaction numbers of restored events. Undefined until it was read. */
  #restoredUntil: bigint | undefined

  /**
   * @param cluster the cluster's system identifier, and the next transaction number that it will use
   * @param lastSeal the cluster and the transaction number where the last tick ended; undefined before the first tick
   */
  async at(
    client: pg.ClientBase,
    cluster: { readonly system: string; readonly next: string },
    lastSeal: { readonly system: string; readonly to: string } | undefined,
  ): Promise<Window> {
    // Higher than the transaction number of any row.
    const noEnd = (1n << 63n).toString()
    if (lastSeal !== undefined && lastSeal.system !== cluster.system) {
      this.#restoredUntil = await highest(client, cluster.next)
      const where = `e.xid >= $1::xid8 and e.xid < $2::xid8${NOT_LISTED}`
      return { where, values: ['0', noEnd], everything: true }
    }
    const from = lastSeal?.to ?? '0'
    this.#restoredUntil ??= (await wasRestored(client, cluster.system)) ? await highest(client, cluster.next) : 0n
    const mixed = BigInt(from) < this.#restoredUntil
    const where = `e.xid >= $1::xid8 and e.xid < $2::xid8${mixed ? NOT_LISTED : ''}`
    // This cluster has not used `next` or a higher number yet. Events with such a number were restored, and do not belong to this window.
    return { where, values: [from, cluster.next], everything: false }
  }
}

/** Number of unsealed events, counted up to 100,000, and the age of the oldest one. */
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

/**
 * Returns the transaction number at which the tick ends. This is `horizon`, the lowest number of a transaction that may still be running.
 * If more than `MAX_BATCH` events wait, the tick ends at a smaller number. A transaction is never split over two ticks, because its events
 * share one number.
 */
export async function batchEnd(client: pg.ClientBase, window: Window, horizon: string): Promise<string> {
  if (window.everything) return horizon
  const { rows } = await client.query(
    `select e.xid::text as xid from partywall.audit_events e where ${window.where} order by e.xid offset $3 limit 1`,
    [window.values[0], horizon, MAX_BATCH],
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
  // max(xid8) exists only since PostgreSQL 16.
  const { rows } = await client.query(
    'select xid::text from partywall.audit_events order by audit_events.xid desc limit 1',
  )
  const xid = BigInt(rows[0]?.xid ?? 0) + 1n
  return xid > BigInt(next) ? xid : BigInt(next)
}
