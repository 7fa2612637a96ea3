import { InvalidInputError } from '../errors.ts'
import { quote, type Table } from './table.ts'

/** A statement under construction: text grows, values go aside as parameters. */
export class Statement {
  readonly values: unknown[] = []

  /** A parameter, cast to the type of the column that it meets. */
  bind(table: Table, column: string, value: unknown): string {
    this.values.push(encode(value, table.types.get(column)))
    return `$${this.values.length}::${table.types.get(column) ?? 'text'}`
  }

  /** The tenant's filter, besides row-level security: also caches whose key is text and parameters tell tenants apart. */
  tenantFilter(table: Table, tenantId: string): string {
    return `${quote(table.tenantColumn)} = ${this.bind(table, table.tenantColumn, tenantId)}`
  }
}

/** pg sends a date that is none as text, and writes a list as an array literal and would refuse it for JSON. */
function encode(value: unknown, type: string | undefined): unknown {
  if (value instanceof Date && Number.isNaN(value.getTime())) throw new InvalidInputError('A date is none.')
  if ((type !== 'jsonb' && type !== 'json') || value === null) return value
  try {
    return JSON.stringify(value)
  } catch {
    throw new InvalidInputError('A value can not be written as JSON.') // a cycle, a bigint, a toJSON that throws
  }
}
