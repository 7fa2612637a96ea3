import type { DatabaseFunction, Relation } from '../../catalog/model.ts'
import type { Expr, FromItem, Query } from '../../sql/tree.ts'
import { childrenOf, walkBody, walkExpression } from '../../sql/walk.ts'
import type { Facts } from '../../tenancy/facts.ts'
import { mentions } from '../../tenancy/index-cures.ts'
import { contextGuard } from './context-guard.ts'
import { tablesOf, unheldQueries } from './definer-code.ts'
import { ownerEscapes } from './definer-owner.ts'
import { type DynamicQuery, dynamicQueries } from './dynamic-queries.ts'

/** A condition of a SECURITY DEFINER function whose pattern the caller gives. */
interface CallerPattern {
  readonly relation: Relation
  /** The column that is compared with the pattern. */
  readonly column: string
  readonly kind: 'like' | 'regular-expression'
  /** Whether a function of the schema gets the argument first. That function may escape the pattern. */
  readonly perhapsEscaped: boolean
}

/** `raw`: text of the caller, unchanged. `changed`: a function of the schema changed it. */
type Taint = 'raw' | 'changed'
type Tainted = ReadonlyMap<string, Taint>

const LIKE = new Set(['~~', '~~*', '!~~', '!~~*'])
const REGULAR = new Set(['~', '~*', '!~', '!~*', 'similar'])
const REGULAR_CALLS = new Set([
  'regexp_like',
  'regexp_count',
  'regexp_instr',
  'regexp_match',
  'regexp_matches',
  'regexp_substr',
])
/** Functions of PostgreSQL whose result does not contain the caller's text. */
const HARMLESS = new Set(['md5', 'length', 'char_length', 'octet_length', 'strpos', 'ascii', 'hashtext', 'to_tsquery'])
const TEXT = /^(?:text|character varying|character|"char"|name|citext|unknown|pg_catalog\.(?:text|varchar|bpchar))\b/

/**
 * The patterns of the caller in statements that otherwise compare the tenant with the context, and in dynamic SQL. A statement without that
 * comparison shows the rows anyway, and `secdef-unfiltered` or `secdef-tenant-argument` reports it.
 */
export function callerPatterns(facts: Facts, fn: DatabaseFunction): readonly CallerPattern[] {
  const tainted = taintedNames(facts, fn)
  const guarded = contextGuard(facts, fn) === 'strict'
  const origins: Origins = {
    like: (pattern) => likeTaint(facts, fn, pattern, tainted),
    regular: (pattern) => taintOf(facts, fn, pattern, tainted),
  }
  const found: CallerPattern[] = unheldQueries(facts, fn).flatMap(({ query, relation, filtered }) =>
    filtered || guarded ? patternsIn(query, relation, new Set(tainted.keys()), origins) : [],
  )
  for (const dynamic of dynamicQueries(facts, fn)) found.push(...dynamicPatterns(facts, fn, dynamic, origins))
  return found
}

/** These functions tell whether a pattern is text of the caller. */
interface Origins {
  readonly like: (pattern: Expr) => Taint | undefined
  readonly regular: (pattern: Expr) => Taint | undefined
}

/** @param variables names that mean variables and not columns, unless the query qualifies them */
function patternsIn(
  query: Query,
  relation: Relation,
  variables: ReadonlySet<string>,
  origins: Origins,
): readonly CallerPattern[] {
  const found: CallerPattern[] = []
  for (const condition of conditionsOf(query))
    walkExpression(condition, {
      expression: (expr) => {
        const match = matchIn(expr)
        if (match === undefined) return
        const column = columnIn(match.value, relation, variables)
        const taint = match.kind === 'like' ? origins.like(match.pattern) : origins.regular(match.pattern)
        if (column === undefined || taint === undefined) return
        found.push({ relation, column, kind: match.kind, perhapsEscaped: taint === 'changed' })
      },
    })
  return found
}

/** Also reports statements that do not compare the tenant, because no other rule reads the text of EXECUTE. */
function dynamicPatterns(
  facts: Facts,
  fn: DatabaseFunction,
  { queries, text, values }: DynamicQuery,
  origins: Origins,
): readonly CallerPattern[] {
  const names = (taint: (value: Expr) => Taint | undefined) => {
    const found = new Map<string, Taint>()
    for (const [number, value] of values) {
      const kind = taint(value)
      if (kind !== undefined) found.set(`$${number}`, kind)
    }
    return found
  }
  const like = names(origins.like)
  const regular = names(origins.regular)
  const inText: Origins = {
    like: (pattern) => likeTaint(facts, fn, pattern, like),
    regular: (pattern) => taintOf(facts, fn, pattern, regular),
  }
  const escapes = (relation: Relation) => {
    const table = facts.tenantTable(relation)
    return table !== undefined && table.kind !== 'root' && ownerEscapes(facts, fn, relation)
  }
  if (queries !== undefined)
    return queries.flatMap((query) =>
      [...tablesOf(facts, query)].filter(escapes).flatMap((relation) => patternsIn(query, relation, new Set(), inText)),
    )
  // Texts of several branches may not parse together. The words in front of and behind the operator are then enough.
  return facts.relations
    .filter((relation) => mentions(text, relation.name) && escapes(relation))
    .flatMap((relation) =>
      [...text.replaceAll(/\s+/g, ' ').matchAll(LOOSE)].flatMap(([, column, operator, number]) => {
        const kind = /^(?:i?like|~~)/i.test(operator ?? '') ? 'like' : 'regular-expression'
        const taint = (kind === 'like' ? like : regular).get(`$${number}`)
        if (taint === undefined || column === undefined || !relation.columns.some(({ name }) => name === column))
          return []
        return [{ relation, column, kind, perhapsEscaped: taint === 'changed' } as const]
      }),
    )
}

/** `title ilike $1` where `$1` is the end of the pattern. */
const LOOSE = /(?<!\w)(\w{1,63})"?\)? (?:not )?(i?like|similar to|~~\*?|~\*?) \(?\$(\d{1,6})\b(?! ?(?:\|\||escape))/gi

/** The text arguments, and the variables that are set from them. */
function taintedNames(facts: Facts, fn: DatabaseFunction): Tainted {
  const names = new Map<string, Taint>()
  for (const [at, argument] of inputsOf(fn).entries()) {
    if (!TEXT.test(argument.baseType)) continue
    if (argument.name !== '') names.set(argument.name, 'raw')
    names.set(`$${at + 1}`, 'raw')
  }
  const set = (name: string, value: Expr) => {
    const taint = likeTaint(facts, fn, value, names)
    if (taint !== undefined) names.set(name, taint)
  }
  const body = facts.sql.body(fn)
  if (body.kind === 'plpgsql')
    for (const variable of body.variables) if (variable.default?.ok === true) set(variable.name, variable.default.value)
  walkBody(body, {
    statement: (statement) => {
      if (statement.kind === 'assign' && statement.value.ok) set(statement.target, statement.value.value)
    },
  })
  return names
}

export function inputsOf(fn: DatabaseFunction): DatabaseFunction['arguments'] {
  return fn.arguments.filter(({ mode }) => mode !== 'out' && mode !== 'table')
}

/** The conditions of WHERE and of joins. */
export function conditionsOf(query: Query): readonly Expr[] {
  const joins = (item: FromItem): readonly Expr[] =>
    item.kind === 'join' ? [...(item.on === undefined ? [] : [item.on]), ...joins(item.left), ...joins(item.right)] : []
  return [...(query.where === undefined ? [] : [query.where]), ...query.from.flatMap(joins)]
}

function matchIn(
  expr: Expr,
): { readonly kind: CallerPattern['kind']; readonly value: Expr; readonly pattern: Expr } | undefined {
  if (expr.kind === 'call') {
    const [value, pattern] = expr.args
    return REGULAR_CALLS.has(expr.name) && value !== undefined && pattern !== undefined
      ? { kind: 'regular-expression', value, pattern }
      : undefined
  }
  const isOperator = expr.kind === 'operator'
  if (!isOperator && expr.kind !== 'any' && expr.kind !== 'all') return undefined
  const pattern = isOperator ? expr.right : expr.array
  if (expr.left === undefined) return undefined
  if (LIKE.has(expr.op)) return { kind: 'like', value: expr.left, pattern }
  return REGULAR.has(expr.op) ? { kind: 'regular-expression', value: expr.left, pattern } : undefined
}

function columnIn(expr: Expr, relation: Relation, variables: ReadonlySet<string>): string | undefined {
  let found: string | undefined
  walkExpression(expr, {
    expression: (part) => {
      if (part.kind !== 'column' || (part.table === undefined && variables.has(part.name))) return
      if (relation.columns.some(({ name }) => name === part.name)) found ??= part.name
    },
  })
  return found
}

/**
 * The taint of a LIKE pattern. Only the end of the pattern counts: PostgreSQL refuses a pattern that ends with the escape character, and with
 * `q || '%'` the caller does not write the end.
 */
function likeTaint(facts: Facts, fn: DatabaseFunction, expr: Expr, tainted: Tainted): Taint | undefined {
  if (expr.kind === 'cast' || expr.kind === 'collate') return likeTaint(facts, fn, expr.arg, tainted)
  if (expr.kind === 'operator' && expr.op === '||') {
    return isText(expr.right) ? undefined : likeTaint(facts, fn, expr.right, tainted)
  }
  if (expr.kind === 'call' && expr.name === 'concat') {
    const last = expr.args.at(-1)
    return last === undefined || isText(last) ? undefined : likeTaint(facts, fn, last, tainted)
  }
  if (expr.kind === 'call' && expr.name === 'format') {
    const [text] = expr.args
    if (text?.kind === 'constant' && typeof text.value === 'string' && !/%[^%]*[sIL]$/.test(text.value))
      return undefined
  }
  if (expr.kind === 'call' && expr.name === 'like_escape') {
    const [pattern, escapeCharacter] = expr.args
    if (pattern === undefined || (escapeCharacter?.kind === 'constant' && escapeCharacter.value === ''))
      return undefined
    return likeTaint(facts, fn, pattern, tainted)
  }
  return taintOf(facts, fn, expr, tainted)
}

function taintOf(facts: Facts, fn: DatabaseFunction, expr: Expr, tainted: Tainted): Taint | undefined {
  if (expr.kind === 'column')
    return expr.table === undefined || expr.table === fn.name ? tainted.get(expr.name) : undefined
  if (expr.kind === 'parameter') return tainted.get(`$${expr.number}`)
  if (expr.kind === 'cast' && !TEXT.test(expr.type)) return undefined
  if (expr.kind === 'subquery') return undefined
  const parts = childrenOf(expr).flatMap((part) => taintOf(facts, fn, part, tainted) ?? [])
  if (parts.length === 0) return undefined
  if (expr.kind === 'call') {
    if (HARMLESS.has(expr.name) || escapes(expr)) return undefined
    if (facts.functionsNamed(expr.schema, expr.name).length > 0) return 'changed'
  }
  return parts.includes('raw') ? 'raw' : 'changed'
}

/** `replace(q, '\', '\\')` doubles the escape character; regexp_replace() can do the same. */
function escapes({ name, args }: Extract<Expr, { kind: 'call' }>): boolean {
  if (name === 'regexp_replace') return true
  const [, from] = args
  return (
    name === 'replace' &&
    from?.kind === 'constant' &&
    typeof from.value === 'string' &&
    /^[\\!|^#~/=@]$/.test(from.value)
  )
}

function isText(expr: Expr): boolean {
  if (expr.kind === 'cast' || expr.kind === 'collate') return isText(expr.arg)
  return expr.kind === 'constant' && typeof expr.value === 'string' && expr.value !== ''
}
