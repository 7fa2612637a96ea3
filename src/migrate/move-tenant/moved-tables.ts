import type pg from 'pg'
import { ConfigurationError } from '../../errors.ts'

/** A table that exists in both places: in the shared schema and in the tenant's own schema. */
export interface MovedTable {
  readonly name: string
  /** Quoted, with its schema. */
  readonly shared: string
  readonly own: string
  /** Quoted names of the columns that are copied. */
  readonly columns: readonly string[]
  /** The tenant column of the shared table, quoted, and its type. */
  readonly tenantColumn: string
  readonly tenantType: string
  /** Whether the table in the tenant's own schema has the tenant column, too. */
  readonly ownHasTenant: boolean
  /** Columns that a sequence fills, quoted. */
  readonly numbered: readonly string[]
}

interface ColumnRow {
  readonly table: string
  readonly place: 'shared' | 'own'
  readonly name: string
  readonly quoted: string
  readonly type: string
  readonly generated: boolean
  readonly numbered: boolean
}

const COLUMNS = `
  select c.relname as "table", case n.nspname when $1 then 'shared' else 'own' end as place, a.attname as name, pg_catalog.quote_ident(a.attname) as quoted,
    pg_catalog.replace(pg_catalog.format_type(a.atttypid, a.atttypmod), pg_catalog.quote_ident(n.nspname) || '.', '') as type,
    a.attgenerated <> '' as generated,
    a.attidentity <> '' or pg_catalog.pg_get_serial_sequence(pg_catalog.quote_ident(n.nspname) || '.' || pg_catalog.quote_ident(c.relname), a.attname) is not null as numbered
  from pg_catalog.pg_class c join pg_catalog.pg_namespace n on n.oid = c.relnamespace
  join pg_catalog.pg_attribute a on a.attrelid = c.oid and a.attnum > 0 and not a.attisdropped
  where n.nspname in ($1, $2) and c.relkind in ('r', 'p') and not c.relispartition
  order by 1, 2, a.attnum`

const KEYS = `
  select c.relname as child, p.relname as parent from pg_catalog.pg_constraint k
  join pg_catalog.pg_class c on c.oid = k.conrelid join pg_catalog.pg_class p on p.oid = k.confrelid
  where k.contype = 'f' and c.relnamespace = $1::pg_catalog.regnamespace and p.relnamespace = c.relnamespace and c.oid <> p.oid`

/**
 * Returns the tables of tenants that exist in both places, parents before their children.
 *
 * @throws {ConfigurationError} `PARTYWALL_CONFIGURATION` if a table exists in only one of the two places, or columns differ
 */
export async function movedTables(
  client: pg.Client,
  { shared, schema, tenantColumn }: { readonly shared: string; readonly schema: string; readonly tenantColumn: string },
): Promise<readonly MovedTable[]> {
  const { rows } = await client.query<ColumnRow>(COLUMNS, [shared, schema])
  const columnsOf = (table: string, place: ColumnRow['place']) =>
    rows.filter((row) => row.table === table && row.place === place)
  const names = [...new Set(rows.map((row) => row.table))]
  const problems: string[] = []
  const tables = names.flatMap((name): readonly MovedTable[] => {
    const [inShared, inSchema] = [columnsOf(name, 'shared'), columnsOf(name, 'own')]
    const tenant = inShared.find((column) => column.name === tenantColumn)
    if (tenant === undefined) {
      // A shared table without the column belongs to no tenant.
      if (inSchema.length > 0)
        problems.push(`${schema}.${name} has no counterpart in ${shared} with a column ${tenantColumn}`)
      return []
    }
    if (inSchema.length === 0) {
      problems.push(`${schema} has no table ${name}`)
      return []
    }
    for (const column of inShared) {
      const other = inSchema.find((each) => each.name === column.name)
      if (other === undefined && column.name !== tenantColumn)
        problems.push(`${schema}.${name} has no column ${column.name}`)
      else if (other !== undefined && other.type !== column.type)
        problems.push(
          `column ${name}.${column.name} has type ${column.type} in ${shared} and ${other.type} in ${schema}`,
        )
    }
    for (const column of inSchema)
      if (!inShared.some((each) => each.name === column.name))
        problems.push(`${shared}.${name} has no column ${column.name}`)
    const copied = inSchema.filter(({ generated, name: column }) => !generated && column !== tenantColumn)
    return [
      {
        name,
        shared: quoted(shared, name),
        own: quoted(schema, name),
        columns: copied.map((column) => column.quoted),
        tenantColumn: tenant.quoted,
        tenantType: tenant.type,
        ownHasTenant: inSchema.some((column) => column.name === tenantColumn),
        numbered: inSchema.filter(({ numbered }) => numbered).map((column) => column.quoted),
      },
    ]
  })
  if (problems.length > 0)
    throw new ConfigurationError(
      `The tables of ${shared} and ${schema} differ: ${problems.join('; ')}. Run the missing migrations first.`,
    )
  const keys = await client.query<{ child: string; parent: string }>(KEYS, [quotedName(schema)])
  return parentsFirst(tables, keys.rows)
}

function parentsFirst(
  tables: readonly MovedTable[],
  keys: readonly { readonly child: string; readonly parent: string }[],
): readonly MovedTable[] {
  const sorted: MovedTable[] = []
  const visited = new Set<string>()
  const visit = (table: MovedTable): void => {
    if (visited.has(table.name)) return
    visited.add(table.name)
    for (const { child, parent } of keys) {
      const needed = child === table.name ? tables.find(({ name }) => name === parent) : undefined
      if (needed !== undefined) visit(needed)
    }
    sorted.push(table)
  }
  for (const table of tables) visit(table)
  return sorted
}

function quoted(schema: string, name: string): string {
  return `${quotedName(schema)}.${quotedName(name)}`
}

function quotedName(name: string): string {
  return `"${name.replaceAll('"', '""')}"`
}
