import { createHash, createHmac, timingSafeEqual } from 'node:crypto'
import { InvalidInputError } from '../errors.ts'
import type { OrderTerm } from './order.ts'
import type { Statement } from './statement.ts'
import { quote, type Table } from './table.ts'

/** The list that a cursor belongs to. A cursor is valid only for a list with the same tenant, table, conditions and order. */
export interface CursorPlace {
  readonly tenantId: string
  readonly table: string
  /** The conditions as SQL text, with `$1`, `$2`, … for their values. */
  readonly conditions: readonly string[]
  /**
   * The parameters of the conditions. The signature contains the type and text of each value, because some values have no JSON form (a
   * bigint).
   */
  readonly values: readonly unknown[]
  readonly terms: readonly OrderTerm[]
}

const MAX_LENGTH = 4_096

/**
 * Makes the cursor that continues after a row.
 *
 * @param values the values of the columns by which the list is ordered, as PostgreSQL's text, so that dates keep microseconds
 */
export function writeCursor(values: readonly (string | null)[], place: CursorPlace, key: Uint8Array): string {
  const text = Buffer.from(JSON.stringify(values), 'utf8').toString('base64url')
  return `${text}.${mac(text, place, key)}`
}

/**
 * Opens a cursor. A cursor of another tenant or of another list, and a changed cursor, are refused with the same error.
 *
 * @throws {InvalidInputError} `PARTYWALL_INVALID_INPUT`
 */
export function readCursor(
  cursor: unknown,
  place: CursorPlace,
  keys: readonly Uint8Array[],
): readonly (string | null)[] {
  const refusal = new InvalidInputError('The cursor does not belong to this list.')
  if (typeof cursor !== 'string' || cursor.length > MAX_LENGTH) throw refusal
  const dot = cursor.indexOf('.')
  const text = cursor.slice(0, dot)
  const given = digest(cursor.slice(dot + 1))
  if (dot < 1 || !keys.some((key) => timingSafeEqual(digest(mac(text, place, key)), given))) throw refusal
  const values: unknown = JSON.parse(Buffer.from(text, 'base64url').toString('utf8'))
  if (!Array.isArray(values) || values.length !== place.terms.length) throw refusal
  return values.map((value: unknown) => (typeof value === 'string' ? value : null))
}

/** Returns the SQL condition for the rows that follow the cursor in the order of the list. */
export function behind(
  table: Table,
  terms: readonly OrderTerm[],
  values: readonly (string | null)[],
  statement: Statement,
): string {
  // Descending order puts NULLs first, so no NULL follows a value. One row comparison is enough, and an index can serve it.
  if (terms.every(({ direction }) => direction === 'desc') && !values.includes(null)) {
    const names = terms.map(({ column }) => quote(column)).join(', ')
    return `(${names}) < (${terms.map(({ column }, index) => statement.bind(table, column, values[index])).join(', ')})`
  }
  const alternatives = terms.map((last, index) => {
    const ties = terms.slice(0, index).map(({ column }, at) => same(table, column, values[at] ?? null, statement))
    return [...ties, further(table, last, values[index] ?? null, statement)].join(' and ')
  })
  return `(${alternatives.map((text) => `(${text})`).join(' or ')})`
}

function same(table: Table, column: string, value: string | null, statement: Statement): string {
  return value === null ? `${quote(column)} is null` : `${quote(column)} = ${statement.bind(table, column, value)}`
}

/** NULLs come last in ascending order and first in descending order. */
function further(table: Table, { column, direction }: OrderTerm, value: string | null, statement: Statement): string {
  const name = quote(column)
  if (direction === 'asc') {
    return value === null ? 'false' : `(${name} > ${statement.bind(table, column, value)} or ${name} is null)`
  }
  return value === null ? `${name} is not null` : `${name} < ${statement.bind(table, column, value)}`
}

function mac(text: string, place: CursorPlace, key: Uint8Array): string {
  const bound = JSON.stringify([place.tenantId, place.table, place.conditions, place.values.map(typed), place.terms])
  return createHmac('sha256', key).update(`${text}.${bound}`).digest('base64url')
}

/** Adds the type to the value, because equal texts of two types are different conditions. */
function typed(value: unknown): readonly [string, string] {
  return [typeof value, value instanceof Date ? value.toISOString() : String(value)]
}

function digest(text: string): Buffer {
  return createHash('sha256').update(text).digest()
}
