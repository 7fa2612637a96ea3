import { InvalidInputError } from '../errors.ts'
import { quote, type Table } from './table.ts'

/** A statement under construction: collects the values of its parameters. */
export class Statement {
  readonly values: unknown[] = []

  /** Adds a parameter, cast to the type of its column. */
  bind(table: Table, column: string, value: unknown): string {
    this.values.push(encode(value, table.types.get(column)))
    return `$${this.values.length}::${table.types.get(column) ?? 'text'}`
  }

  /**
   * Filters by tenant in addition to row-level security. So a cache whose key is the statement with its parameters keeps tenants apart too.
   */
  tenantFilter(table: Table, tenantId: string): string {
    return `${quote(table.tenantColumn)} = ${this.bind(table, table.tenantColumn, tenantId)}`
  }
}

/** Converts values that pg would send wrongly: an invalid Date as text, and a list for a JSON column as an array literal. */
function encode(value: unknown, type: string | undefined): unknown {
  if (value instanceof Date && Number.isNaN(value.getTime())) throw new InvalidInputError('A date is not valid.')
  if ((type !== 'jsonb' && type !== 'json') || value === null) return value
  try {
    return JSON.stringify(value)
  } catch {
    throw new InvalidInputError('A value cannot be written as JSON.') // a cycle, a bigint, a toJSON that throws
  }
}
