import type pg from 'pg'
import type { Oid } from '../../catalog/model.ts'
import { qualifiedName } from '../../catalog/names.ts'

/**
 * Whether tables held rows:
 *
 * - `none`: each table was looked into, and none showed a row;
 * - `some`: at least one table showed a row;
 * - `unknown`: a table could not be looked into, and its file is not empty; or another session writes into a table.
 */
export type RowsBefore = 'none' | 'some' | 'unknown'

/** Timeout for one look. A look ends at the first row, so only a table that holds nothing but many dead rows takes longer. */
const LOOK_TIMEOUT_MS = 5_000
/** Number of tables in one query. */
const CHUNK = 50

interface StoredTable {
  readonly schema: string
  readonly name: string
}

/**
 * Looks for rows in tables and their partitions. A table without a file has none. The size of the file alone does not tell: rows that were
 * deleted or rolled back stay in it.
 *
 * Runs in a read-only transaction of its own, with `row_security = off`: where policies would hide rows from the reading role, PostgreSQL
 * then raises an error, and the answer is `unknown`.
 */
export async function lookForRows(client: pg.Client, oids: readonly Oid[], lockTimeoutMs: number): Promise<RowsBefore> {
  await client.query('begin read only')
  try {
    await client.query(
      `set local statement_timeout = ${LOOK_TIMEOUT_MS}; set local lock_timeout = ${lockTimeoutMs}; set local row_security = off`,
    )
    // Before the looks: what is committed later, a look sees.
    const { rows: busy } = await client.query<{ busy: boolean }>(BUSY, [oids])
    const { rows: tables } = await client.query<StoredTable>(STORED, [oids])
    for (let at = 0; at < tables.length; at += CHUNK)
      if (await anyRow(client, tables.slice(at, at + CHUNK))) return 'some'
    return busy[0]?.busy === false ? 'none' : 'unknown'
  } catch (error) {
    // A missing privilege, policies, a lock, a timeout. A broken connection has no code of PostgreSQL.
    if (error instanceof Error && 'code' in error && /^[0-9A-Z]{5}$/.test(String(error.code))) return 'unknown'
    throw error
  } finally {
    await client.query('rollback').catch(() => {}) // a dead connection has rolled back already
  }
}

async function anyRow(client: pg.Client, tables: readonly StoredTable[]): Promise<boolean> {
  const looks = tables.map((table) => `exists (select from only ${qualifiedName(table)})`)
  const { rows } = await client.query<{ filled: boolean }>(`select ${looks.join(' or ')} as filled`)
  return rows[0]?.filled === true
}

const FAMILY = `with recursive family (oid) as (
    select pg_catalog.unnest($1::pg_catalog.oid[]) union select i.inhrelid from pg_catalog.pg_inherits i join family f on f.oid = i.inhparent)`

/** The tables and materialized views that have a file with at least one page. */
const STORED = `${FAMILY}
  select n.nspname::text as schema, c.relname::text as name
  from pg_catalog.pg_class c join pg_catalog.pg_namespace n on n.oid = c.relnamespace
  where c.oid in (select oid from family) and c.relkind in ('r', 'm') and pg_catalog.pg_relation_size(c.oid) > 0
  order by 1, 2`

/** Whether another session may have rows in them that are not committed yet. */
const BUSY = `${FAMILY}
  select exists (select from pg_catalog.pg_locks l
    where l.relation in (select oid from family) and l.database = (select oid from pg_catalog.pg_database where datname = pg_catalog.current_database())
      and l.pid is distinct from pg_catalog.pg_backend_pid() and l.granted
      and l.mode = 'RowExclusiveLock') as busy`
