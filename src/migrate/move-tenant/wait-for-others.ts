import type pg from 'pg'
import { DependencyUnavailableError } from '../../errors.ts'

/** The transactions of this database that are open now, except those of autovacuum. */
const OPEN = `
  select l.virtualtransaction as id from pg_catalog.pg_locks l
  join pg_catalog.pg_stat_activity a on a.pid = l.pid
  where l.locktype = 'virtualxid' and l.mode = 'ExclusiveLock' and l.granted and l.pid <> pg_catalog.pg_backend_pid()
    and a.datid = (select d.oid from pg_catalog.pg_database d where d.datname = pg_catalog.current_database()) and a.usesysid is not null`

/**
 * Waits until all transactions have ended that were open when it was called. Their statements may not see a change that was committed
 * before the call: a transaction in REPEATABLE READ keeps its snapshot.
 *
 * @throws {DependencyUnavailableError} `PARTYWALL_DEPENDENCY_UNAVAILABLE` if one of them is still open after the limit
 */
export async function waitForOthers(client: pg.Client, limitMs: number): Promise<void> {
  const prepared = await client.query(
    'select from pg_catalog.pg_prepared_xacts where database = pg_catalog.current_database() limit 1',
  )
  if (prepared.rowCount !== 0)
    throw new DependencyUnavailableError('A prepared transaction is open in this database. End it first.')
  const open = async () => (await client.query<{ id: string }>(OPEN)).rows.map((row) => row.id)
  const waiting = new Set(await open())
  const until = Date.now() + limitMs
  while (waiting.size > 0) {
    const now = new Set(await open())
    for (const id of waiting) if (!now.has(id)) waiting.delete(id)
    if (waiting.size === 0) return
    if (Date.now() > until)
      throw new DependencyUnavailableError(
        `${waiting.size} transactions were still open after ${limitMs} ms. End them, or give a longer waitMs.`,
      )
    await new Promise((resolve) => setTimeout(resolve, 10))
  }
}
