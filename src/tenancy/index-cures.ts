import type { BlindKey, Column, Index, Relation } from '../catalog/model.ts'
import { qualifiedName, quoteIdentifier, quoteLiteral } from '../catalog/names.ts'
import { objectName } from '../catalog/object-name.ts'
import type { TenantTable } from './facts.ts'

/**
 * A fix for a blind key (docs/glossary.md): an index that PostgreSQL can use although the table has policies.
 *
 * - `partial`: one partial index for each value of an enum. Queries need no change.
 * - `twin`: a stored generated column of a type with leakproof operators, and an index on it. Queries must name the new column.
 */
export type IndexCure =
  | { readonly kind: 'partial'; readonly indexes: readonly CureIndex[] }
  | {
      readonly kind: 'twin'
      readonly column: string
      readonly type: string
      readonly expression: string
      readonly index: CureIndex
      readonly query: string
    }
  /** A person must write the SQL. `advice` says what the SQL must do. */
  | { readonly kind: 'advice'; readonly advice: string }

/** An index that a cure creates. */
export interface CureIndex {
  readonly name: string
  readonly columns: readonly string[]
  /** The condition of a partial index. */
  readonly where?: string
}

/** An enum with more values than this does not get a partial index for each value. */
const MOST_LABELS = 6

/**
 * Returns the cure for one blind key of an index.
 *
 * @param lead the columns that an index of this table should start with: see {@link leadingColumns}
 * @param labels the values of the key's type, if it is an enum
 */
export function indexCure(
  relation: Relation,
  lead: readonly string[],
  index: Index,
  key: BlindKey,
  labels: readonly string[],
): IndexCure {
  const column = relation.columns.find(({ number }) => number === key.column)
  if (index.method !== 'btree' && index.method !== 'hash')
    return {
      kind: 'advice',
      advice: `a search function that a separate role owns, as in docs/performance.md: it compares the tenant first, takes plain text from the caller and never a pattern, and reads an index on (${[...lead, key.key].join(', ')})`,
    }
  if (column !== undefined && key.isEnum && labels.length > 0) {
    if (labels.length > MOST_LABELS)
      return {
        kind: 'advice',
        advice: `a partial index for each value that queries ask for: CREATE INDEX ON ${qualifiedName(relation)} (${lead.map(quoteIdentifier).join(', ')}) WHERE ${quoteIdentifier(column.name)} = …`,
      }
    const later = laterColumns(relation, index, key)
    return {
      kind: 'partial',
      indexes: labels.map((label) => ({
        name: objectName([relation.name, column.name, label], '_idx'),
        columns: [...lead, ...later.filter((name) => !lead.includes(name))],
        where: `${quoteIdentifier(column.name)} = ${quoteLiteral(label).trim()}`,
      })),
    }
  }
  const twin = twinOf(relation, key, column)
  if (twin === undefined)
    return {
      kind: 'advice',
      advice: `a column of a type with leakproof operators (text, bigint, double precision, timestamptz, uuid, …) that queries can ask for instead of ${key.key}`,
    }
  const name = twinName(relation, twin.column, key)
  return {
    kind: 'twin',
    column: name,
    type: twin.type,
    expression: twin.expression,
    index: { name: objectName([relation.name, name], '_idx'), columns: [...lead, name] },
    query: twin.query.replaceAll('{twin}', quoteIdentifier(name)),
  }
}

interface Twin {
  readonly column: string
  readonly type: string
  readonly expression: string
  /** A query's condition before and after the cure. `{twin}` stands for the new column. */
  readonly query: string
}

function twinOf(relation: Relation, key: BlindKey, column: Column | undefined): Twin | undefined {
  const computed = relation.columns.filter((each) => each.generated !== undefined)
  // A generated column can't be computed from another generated column.
  if (computed.some(({ name }) => mentions(key.key, name))) return undefined
  if (column === undefined) {
    if (key.operatorsLeak) return undefined
    return {
      column: expressionName(key.key),
      type: key.type,
      expression: key.key,
      query: `${key.key} = $1  →  {twin} = $1`,
    }
  }
  const name = quoteIdentifier(column.name)
  if (column.baseType === 'citext')
    return {
      column: `${column.name}_lower`,
      type: 'text',
      expression: `lower(${name}::text)`,
      query: `${name} = $1  →  ${name} = $1 AND {twin} = lower($1)`,
    }
  if (column.baseType !== 'numeric') return undefined
  const [, precision, scale] = /^numeric\((\d+),(\d+)\)$/.exec(column.type) ?? []
  // A bigint has room for 18 digits.
  if (precision !== undefined && scale !== undefined && Number(precision) <= 18) {
    const factor = 10n ** BigInt(scale)
    return {
      column: `${column.name}_x${factor}`,
      type: 'bigint',
      expression: `(nullif(${name}, 'NaN') * ${factor})::bigint`,
      query: `${name} = $1  →  ${name} = $1 AND {twin} = ($1::numeric * ${factor})::bigint`,
    }
  }
  return {
    column: `${column.name}_float8`,
    type: 'double precision',
    expression: `${name}::double precision`,
    query: `${name} >= $1  →  ${name} >= $1 AND {twin} >= $1::double precision`,
  }
}

/** The columns that an index of this table should start with: the tenant column, or the columns that lead to the parent. */
export function leadingColumns(table: TenantTable): readonly string[] {
  if (table.kind === 'child') return table.parents[0]?.columns ?? []
  return [table.column.name]
}

/** Returns the plain columns that follow the key in its index. The partial index has them too, to return rows in the same order. */
function laterColumns(relation: Relation, index: Index, key: BlindKey): readonly string[] {
  const blind = new Set(index.blindKeys.map(({ position }) => position))
  return index.columns.flatMap((number, at) => {
    if (at + 1 <= key.position || blind.has(at + 1)) return []
    const column = relation.columns.find((each) => each.number === number)
    return column === undefined ? [] : [column.name]
  })
}

/** `lower(email)` → `email_lower`, `(attrs ->> 'code'::text)` → `attrs_code`. */
function expressionName(expression: string): string {
  const [, lowered] = /^lower\(\(*(\w+)\)*(?:::[\w ]+)?\)$/.exec(expression) ?? []
  return lowered === undefined ? nameOf(expression.replaceAll(/::[\w. ]+/g, ' ')) : `${lowered}_lower`
}

function nameOf(text: string): string {
  const words = text.toLowerCase().match(/[a-z0-9]+/g) ?? ['value']
  return objectName(words)
}

/**
 * Returns an unused name for the generated column. If an interrupted migration created the column without its index, returns the name of
 * this column.
 */
function twinName(relation: Relation, wanted: string, key: BlindKey): string {
  const source = relation.columns.find(({ number }) => number === key.column)?.name
  let name = objectName([wanted])
  for (let at = 2; ; at += 1) {
    const taken = relation.columns.find((column) => column.name === name)
    if (taken === undefined) return name
    const isTwin = source === undefined ? taken.default !== undefined : mentions(taken.default ?? '', source)
    if (taken.generated === 'stored' && isTwin) return name
    name = objectName([wanted], `_${at}`)
  }
}

/** Whether a text contains a name as a word. */
export function mentions(text: string, name: string): boolean {
  if (!/^\w+$/.test(name)) return text.includes(name)
  return (text.match(/\w+/g) ?? []).some((word) => word === name)
}
