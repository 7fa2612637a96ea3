import type pg from 'pg'
import type { Oid } from '../../catalog/model.ts'
import { qualifiedName } from '../../catalog/names.ts'

/**
 * Whether tables held rows:
 *
 * - `none`: each table was looked into, and none showed a row;
 * - `some`: at least one table showed a row;
 * - `unknown`: a table could not be looked into and its file is not empty, or another session writes into a table.
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
 * Looks for rows in tables and their partitions. A table without a file has no rows. The file's size alone does not answer the question,
 * because rows that were deleted or rolled back stay in the file.
 *
 * Runs in a read-only transaction of its own, with `row_security = off`: if policies would hide rows from the reading role, PostgreSQL
 * raises an error, and the answer is `unknown`.
 */
export async function lookForRows(client: pg.Client, oids: readonly Oid[], lockTimeoutMs: number): Promise<RowsBefore> {
  await client.query('begin read only')
  try {
    await client.query(
      `set local statement_timeout = ${LOOK_TIMEOUT_MS}; set local lock_timeout = ${lockTimeoutMs}; set local row_security = off`,
    )
    // Ask for writing sessions before looking into the tables: if such a session commits in between, the look sees its rows.
    const { rows: busy } = await client.query<{ busy: boolean }>(BUSY, [oids])
    const { rows: tables } = await client.query<StoredTable>(STORED, [oids])
    for (let at = 0; at < tables.length; at += CHUNK)
      if (await anyRow(client, tables.slice(at, at + CHUNK))) return 'some'
    return busy[0]?.busy === false ? 'none' : 'unknown'
  } catch (error) {
    // PostgreSQL raised an error, such as for a missing privilege, a policy, a lock or a timeout. Errors of a broken connection have no
    // PostgreSQL code.
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

/** Whether another session may have uncommitted rows in the tables. */
const BUSY = `${FAMILY}
  select exists (select from pg_catalog.pg_locks l
    where l.relation in (select oid from family) and l.database = (select oid from pg_catalog.pg_database where datname = pg_catalog.current_database())
      and l.pid is distinct from pg_catalog.pg_backend_pid() and l.granted
      and l.mode = 'RowExclusiveLock') as busy`
