import type pg from 'pg'

/** No batch begins with more events than this; a single transaction is never split. */
const BACKLOG = 20_000

/** After a restore into another cluster: what no checkpoint lists. */
export const NOT_LISTED = ` and not exists (select from partywall.audit_checkpoints c, unnest(c.ids) as l (id)
  where c.kind = 'seal' and c.tenant_id = e.tenant_id and l.id = e.id)`

/** How many events wait, and how old the oldest is. */
export async function measureBacklog(
  client: pg.ClientBase,
  from: string,
  listed: string,
): Promise<{ readonly count: number; readonly ageMs: number }> {
  const { rows } = await client.query(
    `select count(*)::int as count,
       coalesce(extract(epoch from clock_timestamp() - min(e.occurred_at)) * 1000, 0)::float8 as age
     from partywall.audit_events e where e.xid >= $1::xid8${listed}`,
    [from],
  )
  return { count: rows[0].count, ageMs: rows[0].age }
}

/** The horizon, or less where a backlog waits. A transaction is never split: its events share one number. */
export async function batchEnd(client: pg.ClientBase, from: string, horizon: string, listed: string): Promise<string> {
  const { rows } = await client.query(
    `select e.xid::text as xid from partywall.audit_events e
       where e.xid >= $1::xid8 and e.xid < $2::xid8${listed} order by e.xid offset $3 limit 1`,
    [from, horizon, BACKLOG],
  )
  if (listed !== '' || rows[0] === undefined) return horizon
  return (BigInt(rows[0].xid) + 1n).toString()
}
