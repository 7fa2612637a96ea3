import type { Column, DatabaseFunction, FunctionArgument, Relation } from '../../catalog/model.ts'
import { quoteLiteral } from '../../catalog/names.ts'
import type { Arena } from './arena.ts'
import { matchingColumn } from './argument-names.ts'

/** One list of arguments to call a function with. */
export interface ArgumentList {
  readonly sql: string
  /** The same list for a reader. It names planted values instead of showing them, because planted values differ from run to run. */
  readonly shown: string
  /** Values of B's rows that are passed in. A function that returns only these has revealed nothing. */
  readonly given: readonly string[]
  /**
   * Whether any attacker can pass these arguments, because they are ids or NULLs. To pass a title or a token of B, an attacker would first
   * have to learn it.
   */
  readonly guessable: boolean
  /** Whether an argument is a token or code that its holder is meant to use, such as an invitation code. */
  readonly secret: boolean
}

/** A value to pass in, and what it is. */
interface Picked {
  readonly value: string
  readonly shown: string
}

/** Maximum number of calls of one function. More calls would make a schema with many functions slow. */
const MOST = 24
/** Names of columns whose value gives access to anyone who knows it. */
const SECRET =
  /token|secret|otp|invite_?code|access_?code|api_?key|verification|nonce|signature|share_?(key|code|link)/i
const BREAKS_OUT = ["' or true --", "' or 'a' = 'a", '%']

/**
 * Argument lists to call a function with:
 * - ids of B;
 * - values of B's rows, by the arguments' names;
 * - NULLs;
 * - texts that break out of quotes.
 */
export function argumentLists(
  arena: Arena,
  fn: DatabaseFunction,
  tables: readonly Relation[],
): readonly ArgumentList[] {
  const inputs = fn.arguments.filter((argument) => argument.mode !== 'out' && argument.mode !== 'table')
  if (inputs.length === 0) return [{ sql: '', shown: '', given: [], guessable: true, secret: false }]
  const lists = new Map<string, ArgumentList>()
  const add = (
    pick: (argument: FunctionArgument) => Picked | undefined,
    guessable: boolean,
    fill = true,
    secret = false,
  ) => {
    const picked = inputs.map((argument) => pick(argument))
    if (fill && picked.every((value) => value === undefined)) return
    const sql: string[] = []
    const shown: string[] = []
    for (const [at, argument] of inputs.entries()) {
      const given = picked[at]
      const filled = fill ? filler(argument) : `null::${argument.type}`
      sql.push(given === undefined ? filled : typed(argument, given.value))
      shown.push(given?.shown ?? filled)
    }
    const key = sql.join(', ')
    const given = picked.flatMap((each) => each?.value ?? [])
    if (lists.size < MOST && !lists.has(key))
      lists.set(key, { sql: key, shown: shown.join(', '), given, guessable, secret })
  }
  const { b } = arena.planting.tenants
  const tenantType = arena.facts.tenancy.root?.key.baseType ?? 'uuid'
  const isId = ({ baseType }: FunctionArgument) => baseType === tenantType
  const idOfB: Picked = { value: b.id, shown: 'the id of tenant B' }
  add((argument) => (isId(argument) ? idOfB : undefined), true)
  for (const table of tables.slice(0, 6)) {
    const row = arena.row(table, 'b')
    const primary = table.constraints.find((constraint) => constraint.kind === 'primary-key')
    const keys = table.columns.filter((column) => primary?.columns.includes(column.number) === true)
    const pickedFrom = ({ name }: Column): Picked | undefined => {
      const value = row?.values[name]
      return typeof value === 'string' ? { value, shown: `${name} of tenant B's row in ${table.label}` } : undefined
    }
    for (const key of keys) {
      const value = pickedFrom(key)
      if (value !== undefined) add((argument) => (argument.baseType === key.baseType ? value : undefined), true)
    }
    const byName = (argument: FunctionArgument) => {
      const column = matchingColumn(arena.facts, table, argument)
      return column === undefined ? undefined : pickedFrom(column)
    }
    const onlyIds = inputs.every((argument) => byName(argument) === undefined || isId(argument))
    const named = inputs.flatMap((argument) => matchingColumn(arena.facts, table, argument) ?? [])
    add(byName, onlyIds, true, !onlyIds && named.some(({ name }) => SECRET.test(name)))
    for (const column of table.columns) {
      const value = pickedFrom(column)
      if (value === undefined || !isText(column.baseType)) continue
      const secret = SECRET.test(column.name)
      add((argument) => (isText(argument.baseType) ? value : isId(argument) ? idOfB : undefined), false, true, secret)
    }
  }
  add(() => undefined, true, false)
  for (const text of BREAKS_OUT)
    add((argument) => (isText(argument.baseType) ? { value: text, shown: quoteLiteral(text) } : undefined), true)
  return [...lists.values()]
}

function typed(argument: FunctionArgument, value: string): string {
  return `${quoteLiteral(value)}::${argument.type}`
}

function isText(baseType: string): boolean {
  return /^(text|character varying|character|citext|name)$/.test(baseType)
}

/** A harmless value of the argument’s type. */
export function filler(argument: FunctionArgument): string {
  const { baseType, type } = argument
  if (isText(baseType)) return `'pw'::${type}`
  if (/^(smallint|integer|bigint|numeric|real|double precision)$/.test(baseType)) return `1::${type}`
  if (baseType === 'boolean') return `true::${type}`
  if (baseType === 'uuid') return `pg_catalog.gen_random_uuid()::${type}`
  if (baseType === 'json' || baseType === 'jsonb') return `'{}'::${type}`
  if (/^(timestamp|date)/.test(baseType)) return `pg_catalog.now()::${type}`
  return `null::${type}`
}
