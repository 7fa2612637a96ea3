import { randomUUID } from 'node:crypto'
import pg from 'pg'
import { ConfigurationError } from '../errors.ts'

/** A column of a table, as the catalog describes it. */
export interface TableColumn {
  readonly name: string
  readonly type: string
  readonly category: string
  readonly required: boolean
  /** Whether a unique index other than the primary key contains the column. */
  readonly unique: boolean
  readonly firstLabel: string | null
  readonly sequence: string | null
  /** The table to which a foreign key of only this column refers, quoted for SQL. `parentColumn` is the referenced column. */
  readonly parent: string | null
  readonly parentColumn: string | null
}

/** Maximum depth of made-up parents, such as tenant, user, country. A longer chain is probably circular. */
const MOST_PARENTS = 3

/**
 * Returns a value for a column that needs one. If the column refers to another table, inserts a new row there, which stays after the test.
 *
 * @throws {ConfigurationError} `PARTYWALL_CONFIGURATION` if no value can be made
 */
export async function madeUpValue(pool: pg.Pool, column: TableColumn, depth = 0): Promise<unknown> {
  const { name, parent, parentColumn } = column
  if (parent === null || parentColumn === null) return madeUp(column)
  const give = `Give a value with tenants: { values: { ${name}: … } }, or give plantTenant.`
  if (depth >= MOST_PARENTS)
    throw new ConfigurationError(
      `startTestKit(): can't make a row of ${parent} for column ${name}: too many tables. ${give}`,
    )
  const columns = await readColumns(pool, parent, parent)
  const given: Record<string, unknown> = {}
  for (const each of columns)
    if (each.required)
      given[each.name] = each.name === parentColumn ? await newId(pool, each) : await madeUpValue(pool, each, depth + 1)
  const names = Object.keys(given).map(pg.escapeIdentifier)
  const places = names.map((_, at) => `$${at + 1}`)
  const what = names.length === 0 ? 'default values' : `(${names.join(', ')}) values (${places.join(', ')})`
  const text = `insert into ${parent} ${what} returning ${pg.escapeIdentifier(parentColumn)}::text as id`
  try {
    return (await pool.query<{ readonly id: string }>(text, Object.values(given))).rows[0]?.id
  } catch (cause) {
    throw new ConfigurationError(`startTestKit(): can't make a row of ${parent} for column ${name}. ${give}`, { cause })
  }
}

/**
 * Reads the columns of a table.
 *
 * @param name the table's name, quoted for SQL
 * @param label the table's name for messages
 */
export async function readColumns(pool: pg.Pool, name: string, label: string): Promise<readonly TableColumn[]> {
  const { rows } = await pool.query<TableColumn>(
    `select a.attname as name, format_type(a.atttypid, a.atttypmod) as type, t.typcategory as category,
            a.attnotnull and not a.atthasdef and a.attidentity = '' and a.attgenerated = '' as required,
            exists (select from pg_catalog.pg_index i where i.indrelid = a.attrelid and i.indisunique and not i.indisprimary
              and (a.attnum = any (i.indkey) or exists (select from pg_catalog.pg_depend d where d.objid = i.indexrelid
                and d.refobjid = a.attrelid and d.refobjsubid = a.attnum))) as unique,
            (select e.enumlabel from pg_catalog.pg_enum e where e.enumtypid = t.oid order by e.enumsortorder limit 1) as "firstLabel",
            pg_catalog.pg_get_serial_sequence($1, a.attname) as sequence, f.confrelid::regclass::text as parent,
            (select p.attname from pg_catalog.pg_attribute p where p.attrelid = f.confrelid and p.attnum = f.confkey[1]) as "parentColumn"
       from pg_catalog.pg_attribute a join pg_catalog.pg_type t on t.oid = a.atttypid
       left join pg_catalog.pg_constraint f on f.contype = 'f' and f.conrelid = a.attrelid and f.conkey = array[a.attnum]
      where a.attrelid = to_regclass($1) and a.attnum > 0 and not a.attisdropped order by a.attnum`,
    [name],
  )
  if (rows.length > 0) return rows
  throw new ConfigurationError(
    `startTestKit(): there is no table ${label}. Name your table of tenants with tenants: { table: 'schema.table' }.`,
  )
}

/** Makes a new id. Takes it from the sequence of the column, if the column has one. */
export async function newId(pool: pg.Pool, { type, category, sequence }: TableColumn): Promise<string> {
  if (sequence !== null)
    return String((await pool.query('select nextval($1::regclass)::text as id', [sequence])).rows[0]?.id)
  if (type === 'uuid' || category === 'S') return randomUUID()
  if (category === 'N') return String(1_000_000 + Math.floor(Math.random() * 1_000_000_000))
  throw new ConfigurationError(`startTestKit(): can't make an id of type ${type}. Give plantTenant.`)
}

/** Makes a value of the column's type. Text contains a random part, because the column may be unique. */
function madeUp({ name, type, category, firstLabel }: TableColumn): unknown {
  if (firstLabel !== null) return firstLabel
  if (type === 'uuid') return randomUUID()
  if (/^jsonb?$/.test(type)) return '{}'
  switch (category) {
    case 'S':
      return `test-${randomUUID().slice(0, 8)}`
    case 'N':
      return 0
    case 'B':
      return false
    case 'D':
      return new Date()
    default:
      throw new ConfigurationError(
        `startTestKit(): can't make a value for column ${name} of type ${type}. Give it with tenants: { values: { ${name}: … } }.`,
      )
  }
}
