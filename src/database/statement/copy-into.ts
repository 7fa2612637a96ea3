import pg from 'pg'
import { InvalidInputError } from '../../errors.ts'
import { columnText } from './column-text.ts'

/** How {@link copyInto} writes. */
export interface CopyIntoOptions {
  /** The columns to write; default: the keys of the first row. */
  readonly columns?: readonly string[] | undefined
  /** Rows per statement; default 1_000. */
  readonly batchSize?: number | undefined
}

export type CopyRow = Readonly<Record<string, unknown>>
export type CopyRows = Iterable<CopyRow> | AsyncIterable<CopyRow>
type Queryable = Pick<pg.ClientBase, 'query'>

/**
 * Writes many rows of the current tenant, in batches of one statement each; to be used instead of COPY … FROM, which PostgreSQL refuses on
 * tables with row-level security. Policies, triggers and defaults apply as to any INSERT. Needs no temporary table.
 *
 * @param table `name` or `schema.name`
 * @returns how many rows were written
 */
export async function copyInto(
  client: Queryable,
  table: string,
  rows: CopyRows,
  options: CopyIntoOptions = {},
): Promise<number> {
  const name = table
    .split('.')
    .map((part) => pg.escapeIdentifier(part))
    .join('.')
  const { batchSize = 1_000 } = options
  let insert: InsertBatch | undefined
  let batch: CopyRow[] = []
  let written = 0
  const flush = async (into: InsertBatch) => {
    written += await into.write(client, batch)
    batch = []
  }
  for await (const row of rows) {
    insert ??= await prepareInsert(client, name, options.columns ?? Object.keys(row))
    batch.push(row)
    if (batch.length >= batchSize) await flush(insert)
  }
  if (insert !== undefined && batch.length > 0) await flush(insert)
  return written
}

interface InsertBatch {
  write(client: Queryable, rows: readonly CopyRow[]): Promise<number>
}

async function prepareInsert(client: Queryable, name: string, columns: readonly string[]): Promise<InsertBatch> {
  if (columns.length === 0) throw new InvalidInputError('copyInto(table, rows): the first row has no columns.')
  const { rows: found } = await client.query<{ name: string; type: string }>(
    `select a.attname as name, pg_catalog.format_type(a.atttypid, a.atttypmod) as type from pg_catalog.pg_attribute a
      where a.attrelid = $1::pg_catalog.regclass and a.attnum > 0 and not a.attisdropped`,
    [name],
  )
  const types = new Map(found.map((column) => [column.name, column.type]))
  const unknown = columns.filter((column) => !types.has(column))
  if (unknown.length > 0) {
    throw new InvalidInputError(`copyInto(table, rows): the table has no column ${unknown.join(', ')}.`)
  }
  const names = columns.map((column) => pg.escapeIdentifier(column))
  const places = columns.map((_, index) => `c${index}`)
  const values = places.map((place, index) => `v.${place}::${types.get(columns[index] ?? '') ?? 'text'}`)
  const arrays = columns.map((_, index) => `$${index + 1}::pg_catalog.text[]`)
  const text = `insert into ${name} (${names.join(', ')}) select ${values.join(', ')} from unnest(${arrays.join(', ')}) as v (${places.join(', ')})`
  return {
    async write(into, rows) {
      const parameters = columns.map((column) => rows.map((row) => columnText(row[column])))
      const { rowCount } = await into.query(text, parameters)
      return rowCount ?? 0
    },
  }
}
