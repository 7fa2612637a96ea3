import { StatementRefusedError } from '../../errors.ts'

/** The fields of a query object that pg's serializer reads. */
interface QueryShape {
  readonly text?: unknown
  readonly name?: unknown
  readonly values?: unknown
  readonly rows?: unknown
  readonly portal?: unknown
  readonly types?: unknown
}

/** The protocol counts parameters in 16 bits. */
const MAX_VALUES = 65_535
const MAX_ROWS = 2_147_483_647

/**
 * Refuses queries on which pg's serializer would throw. It would throw in the middle of a message, where no caller can catch the error. The
 * part that was written would then precede another query's message.
 */
export function refuseShape({
  text,
  name,
  values,
  rows,
  portal,
  types,
}: QueryShape): StatementRefusedError | undefined {
  const problem =
    problemOfText('text', text) ??
    problemOfText('name', name) ??
    problemOfText('portal', portal) ??
    (isAbsent(rows) || isCount(rows) ? undefined : `rows must be a whole number from 0 to ${MAX_ROWS}`) ??
    (Array.isArray(values) && values.length > MAX_VALUES
      ? `values has ${values.length} entries and PostgreSQL takes ${MAX_VALUES}; pass an array as one value, or use copyInto()`
      : undefined) ??
    (areTypes(types) ? undefined : 'types must be type OIDs, or an object with getTypeParser()')
  return problem === undefined
    ? undefined
    : new StatementRefusedError(`The query can’t be sent: ${problem}. Nothing was sent.`)
}

function problemOfText(option: string, value: unknown): string | undefined {
  if (isAbsent(value)) return undefined
  if (typeof value !== 'string')
    return `${option} must be a string, not ${Array.isArray(value) ? 'an array' : typeof value}`
  return value.includes('\u0000') ? `${option} holds a NUL character, which PostgreSQL can’t take` : undefined
}

function areTypes(types: unknown): boolean {
  if (isAbsent(types)) return true
  if (Array.isArray(types)) return types.length <= MAX_VALUES && types.every((type) => isAbsent(type) || isOid(type))
  return typeof types === 'object' && types !== null && typeof Reflect.get(types, 'getTypeParser') === 'function'
}

function isAbsent(value: unknown): boolean {
  return value === undefined || value === null
}

function isCount(value: unknown): boolean {
  return typeof value === 'number' && Number.isInteger(value) && value >= 0 && value <= MAX_ROWS
}

function isOid(value: unknown): boolean {
  return typeof value === 'number' && Number.isInteger(value) && value >= 0 && value <= 4_294_967_295
}
