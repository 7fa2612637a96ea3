import pg from 'pg'
import { z } from 'zod'
import { parseOptions } from '../config/parse-options.ts'
import { COLUMN_TYPE, type Columns, type ColumnType } from './column-types.ts'

/** Description of a table for a repository. */
export interface TableOptions<Row> {
  /** `documents` or `app.documents`. */
  readonly table: string
  readonly columns: Columns<Row>
  /** The column of the row's id; default `id`. */
  readonly idColumn?: string | undefined
  /** The column that names the tenant; default `tenant_id`. */
  readonly tenantColumn?: string | undefined
  /** The column for "newest first"; default `created_at`. */
  readonly createdColumn?: string | undefined
  /** Columns that only the database fills; default: the id and the column of the creation time. */
  readonly generated?: readonly string[] | undefined
}

/** A table whose names were checked and quoted once. */
export interface Table {
  readonly name: string
  readonly quoted: string
  readonly types: ReadonlyMap<string, ColumnType>
  /** All columns, quoted, for SELECT and RETURNING. */
  readonly list: string
  readonly idColumn: string
  readonly tenantColumn: string
  /** Spellings of the tenant column that a client's data may use. */
  readonly tenantAliases: ReadonlySet<string>
  readonly createdColumn: string
  readonly generated: ReadonlySet<string>
}

const identifier = z.string().regex(/^[^\0]{1,63}$/, 'must be a name of 1 to 63 characters')

const schema = z.looseObject({
  table: z.string().regex(/^[^\0.]{1,63}(\.[^\0.]{1,63})?$/, 'must be a table, or schema.table'),
  columns: z.record(identifier, z.string().regex(COLUMN_TYPE, 'must be the name of a type')),
  idColumn: identifier.default('id'),
  tenantColumn: identifier.default('tenant_id'),
  createdColumn: identifier.default('created_at'),
  generated: z.array(identifier).optional(),
})

const wholeSchema = schema.superRefine((table, context) => {
  for (const column of ['idColumn', 'tenantColumn', 'createdColumn'] as const) {
    if (Object.hasOwn(table.columns, table[column])) continue
    context.addIssue({ code: 'custom', path: ['columns'], message: `must hold ${table[column]} (${column})` })
  }
})

/** @throws {ConfigurationError} `PARTYWALL_CONFIGURATION` naming every invalid part */
export function readTable<Row>(options: TableOptions<Row>): Table {
  const { table, columns, idColumn, tenantColumn, createdColumn, generated } = parseOptions(
    wholeSchema,
    options,
    'new TenantAwareRepository(options)',
  )
  const types = new Map<string, ColumnType>(Object.entries(columns))
  return {
    name: table,
    quoted: table.split('.').map(quote).join('.'),
    types,
    list: [...types.keys()].map(quote).join(', '),
    idColumn,
    tenantColumn,
    tenantAliases: new Set([tenantColumn, camelCase(tenantColumn)]),
    createdColumn,
    generated: new Set(generated ?? [idColumn, createdColumn]),
  }
}

export function quote(name: string): string {
  return pg.escapeIdentifier(name)
}

function camelCase(name: string): string {
  return name.replace(/_([a-z0-9])/g, (_, letter: string) => letter.toUpperCase())
}
