/** A column's type in PostgreSQL. Every value for the column, or compared with it, is cast to this type. */
export type ColumnType =
  | 'uuid'
  | 'text'
  | 'citext'
  | 'integer'
  | 'bigint'
  | 'smallint'
  | 'numeric'
  | 'double precision'
  | 'boolean'
  | 'timestamptz'
  | 'timestamp'
  | 'date'
  | 'jsonb'
  | 'json'
  | 'text[]'
  | 'uuid[]'
  | 'integer[]'
  | (string & {})

/** All columns that a repository may name, each with its type. Its SQL contains no other names. */
export type Columns<Row> = { readonly [Name in keyof Row & string]: ColumnType }

/** Names of types as PostgreSQL writes them, also with a schema or as arrays. The pattern allows no character that could end a cast. */
export const COLUMN_TYPE = /^[a-z_][a-z0-9_]*(\.[a-z_][a-z0-9_]*)?( [a-z]+)*(\(\d+(, ?\d+)?\))?(\[\])?$/

const UUID = /^[0-9a-f]{8}-?(?:[0-9a-f]{4}-?){3}[0-9a-f]{12}$/i
const WHOLE = /^-?\d{1,19}$/

/** Whether the text is a possible id for this column type. If not, no query is needed. */
export function couldBeId(value: unknown, type: ColumnType): value is string | number | bigint {
  switch (typeof value) {
    case 'bigint':
      return type !== 'uuid' && fits(value, type)
    case 'number':
      return Number.isSafeInteger(value) && couldBeId(BigInt(value), type)
    case 'string':
      if (type === 'uuid') return UUID.test(value)
      if (type === 'bigint' || type === 'integer' || type === 'smallint')
        return WHOLE.test(value) && fits(BigInt(value), type)
      return value !== '' && value.length <= 1_024 && !value.includes('\0')
    default:
      return false
  }
}

const BITS: Readonly<Record<string, bigint>> = { smallint: 15n, integer: 31n, bigint: 63n }

function fits(value: bigint, type: ColumnType): boolean {
  const bits = BITS[type]
  return bits === undefined || (value < 1n << bits && value >= -(1n << bits))
}
