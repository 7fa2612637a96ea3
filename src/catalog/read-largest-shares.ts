import { USER_SCHEMA } from './left-out-schemas.ts'
import type { Oid, Queryable } from './model.ts'

/**
 * Reads, for columns of tables with at least 10,000 rows, the share of the rows that hold the most frequent value: in a tenant column, the
 * share of the largest tenant. The value itself is not read.
 */
export async function readLargestShares(db: Queryable): Promise<ReadonlyMap<Oid, ReadonlyMap<number, number>>> {
  const large = await readLargeTables(db)
  const shares = new Map<Oid, Map<number, number>>()
  if (large.schemas.length === 0) return shares
  const { rows } = await db.query<{ relation: Oid; column: number; share: number }>(
    `select c.oid::int8::float8 as relation, a.attnum::int as column, max(s.most_common_freqs[1])::float8 as share
    from pg_catalog.pg_stats s
    join pg_catalog.pg_namespace n on n.nspname = s.schemaname
    join pg_catalog.pg_class c on c.relnamespace = n.oid and c.relname = s.tablename
    join pg_catalog.pg_attribute a on a.attrelid = c.oid and a.attname = s.attname
    where c.reltuples >= 10000 and s.most_common_freqs is not null and s.schemaname = any ($1) and s.tablename = any ($2)
    group by 1, 2`,
    [large.schemas, large.tables],
  )
  for (const { relation, column, share } of rows) {
    const columns = shares.get(relation) ?? new Map<number, number>()
    shares.set(relation, columns.set(column, share))
  }
  return shares
}

/**
 * Reads the names of large tables, to restrict the query of pg_stats. This view checks a privilege for each column of each table, and
 * without these names it takes 40 ms even in an empty database.
 */
async function readLargeTables(db: Queryable) {
  const { rows } = await db.query<{ schema: string; table: string }>(`
    select n.nspname::text as schema, c.relname::text as table
    from pg_catalog.pg_class c join pg_catalog.pg_namespace n on n.oid = c.relnamespace
    where c.reltuples >= 10000 and ${USER_SCHEMA}`)
  return { schemas: rows.map((row) => row.schema), tables: rows.map((row) => row.table) }
}
