import { InvalidInputError } from '../errors.ts'
import { quote, type Table } from './table.ts'

export type Direction = 'asc' | 'desc'

/** A column, `{ column: direction }`, or a list of these for several columns. */
export type OrderBy<Row> =
  | (keyof Row & string)
  | { readonly [Name in keyof Row & string]?: Direction }
  | readonly (readonly [keyof Row & string, Direction])[]

export interface OrderTerm {
  readonly column: string
  readonly direction: Direction
}

/**
 * The default order is newest first. The id is always the last term. No two rows are then equal in the order, so pages neither repeat nor
 * miss rows.
 */
export function orderTerms(table: Table, orderBy: unknown): readonly OrderTerm[] {
  const terms = orderBy === undefined ? [term(table, table.createdColumn, 'desc')] : readTerms(table, orderBy)
  if (terms.some(({ column }) => column === table.idColumn)) return terms
  return [...terms, { column: table.idColumn, direction: terms.at(-1)?.direction ?? 'desc' }]
}

export function orderText(terms: readonly OrderTerm[]): string {
  return terms.map(({ column, direction }) => `${quote(column)} ${direction}`).join(', ')
}

function readTerms(table: Table, orderBy: unknown): readonly OrderTerm[] {
  if (typeof orderBy === 'string') return [term(table, orderBy, 'asc')]
  if (orderBy === null || typeof orderBy !== 'object') throw new InvalidInputError('orderBy must name columns.')
  const pairs: readonly unknown[] = Array.isArray(orderBy) ? orderBy : Object.entries(orderBy)
  if (pairs.length === 0 || pairs.length > 8) throw new InvalidInputError('orderBy must name 1 to 8 columns.')
  return pairs.map((pair) => {
    if (!Array.isArray(pair)) throw new InvalidInputError('orderBy must be a list of [column, direction].')
    return term(table, pair[0], pair[1])
  })
}

function term(table: Table, column: unknown, direction: unknown): OrderTerm {
  if (typeof column !== 'string' || !table.types.has(column))
    throw new InvalidInputError('orderBy names a column that this table does not have.')
  if (direction !== 'asc' && direction !== 'desc') throw new InvalidInputError("A direction must be 'asc' or 'desc'.")
  return { column, direction }
}
