import { InvalidInputError } from '../errors.ts'
import { refuseForeignTenant } from './foreign-tenant.ts'
import type { Statement } from './statement.ts'
import { quote, type Table } from './table.ts'

/** A condition on one column: a value (`null` means IS NULL), a list (any of its values), or operators. */
export type Condition<Value> =
  | Value
  | null
  | readonly Value[]
  | {
      readonly eq?: Value | null
      readonly not?: Value | null
      readonly in?: readonly Value[]
      readonly lt?: Value
      readonly lte?: Value
      readonly gt?: Value
      readonly gte?: Value
    }

/** Conditions on several columns, joined by AND. */
export type Where<Row> = { readonly [Name in keyof Row & string]?: Condition<Row[Name]> | undefined }

const OPERATORS: Readonly<Record<string, string>> = { lt: '<', lte: '<=', gt: '>', gte: '>=' }
const MAX_LIST = 1_000

/**
 * Returns the caller's conditions as SQL, which is used in addition to the tenant condition. Names come only from the table's columns;
 * values are parameters.
 */
export function whereConditions(
  table: Table,
  where: unknown,
  statement: Statement,
  tenantId: string,
): readonly string[] {
  if (where === undefined) return []
  if (!isRecord(where)) throw new InvalidInputError('where must be an object of columns.')
  const conditions: string[] = []
  for (const [column, condition] of Object.entries(where)) {
    if (condition === undefined) continue
    if (table.tenantAliases.has(column)) {
      refuseForeignTenant(table, condition, tenantId, 'where')
      continue
    }
    if (!table.types.has(column)) throw new InvalidInputError('where names a column that this table does not have.')
    conditions.push(...columnConditions(table, column, condition, statement))
  }
  return conditions
}

function columnConditions(table: Table, column: string, condition: unknown, statement: Statement): readonly string[] {
  const name = quote(column)
  const bind = (value: unknown) => statement.bind(table, column, scalar(value))
  const equals = (value: unknown) => (value === null ? `${name} is null` : `${name} = ${bind(value)}`)
  const oneOf = (values: unknown) => {
    if (!Array.isArray(values) || values.length > MAX_LIST)
      throw new InvalidInputError(`A list in where must have at most ${MAX_LIST} values.`)
    return values.length === 0 ? 'false' : `${name} in (${values.map(bind).join(', ')})`
  }
  if (Array.isArray(condition)) return [oneOf(condition)]
  if (!isRecord(condition)) return [equals(condition)]
  const operators = Object.entries(condition)
  // An empty object `{}` contains no condition, so every row of the tenant would match.
  if (operators.length === 0) throw new InvalidInputError('A condition in where names no operator.')
  return operators.map(([operator, value]) => {
    if (operator === 'eq') return equals(value)
    if (operator === 'not') return value === null ? `${name} is not null` : `${name} is distinct from ${bind(value)}`
    if (operator === 'in') return oneOf(value)
    const symbol = Object.hasOwn(OPERATORS, operator) ? OPERATORS[operator] : undefined
    if (symbol === undefined) throw new InvalidInputError('where uses an operator that does not exist.')
    return `${name} ${symbol} ${bind(value)}`
  })
}

/** Accepts only plain values, because many frameworks turn a query string into objects and lists. */
function scalar(value: unknown): unknown {
  if (typeof value === 'string') {
    if (value.includes('\0')) throw new InvalidInputError('A value in where can’t be stored as text.')
    return value
  }
  if (typeof value === 'number' || typeof value === 'boolean' || typeof value === 'bigint') return value
  if (value instanceof Date && !Number.isNaN(value.getTime())) return value
  throw new InvalidInputError('A value in where must be text, a number, a boolean or a date.')
}

/** Whether this is a plain object with operators. A Date, a Map or an instance of a class is a value instead. */
function isRecord(value: unknown): value is Readonly<Record<string, unknown>> {
  if (value === null || typeof value !== 'object' || Array.isArray(value)) return false
  const prototype: unknown = Object.getPrototypeOf(value)
  return prototype === null || prototype === Object.prototype
}
