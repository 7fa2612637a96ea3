import type { DatabaseFunction } from '../../catalog/model.ts'
import { quoteIdentifier } from '../../catalog/names.ts'
import type { Expr, Parsed, Query } from '../../sql/tree.ts'
import { walkBody, walkExpression, walkQuery } from '../../sql/walk.ts'
import type { Facts } from '../../tenancy/facts.ts'

/** The text of an EXECUTE. Every value in it, from USING or quoted into the text, is a numbered parameter. */
export interface DynamicQuery {
  /** Undefined if the text can't be parsed. */
  readonly queries: readonly Query[] | undefined
  readonly text: string
  readonly values: ReadonlyMap<number, Expr>
}

/**
 * Values that are written into the text get parameter numbers from here on. Values of USING keep the numbers that they have in the text.
 */
const FIRST_WRITTEN = 1001
/** Maximum number of texts that one variable can have. Branches may build a text in several ways; further texts are not read. */
const MOST_TEXTS = 8

/**
 * The queries that a PL/pgSQL function runs with EXECUTE, as far as their text can be put together from constants. Conditions that only
 * some branches append are all taken as present.
 */
export function dynamicQueries(facts: Facts, fn: DatabaseFunction): readonly DynamicQuery[] {
  const body = facts.sql.body(fn)
  if (body.kind !== 'plpgsql') return []
  const writer = new TextWriter()
  const found: DynamicQuery[] = []
  for (const { name, default: value } of body.variables) if (value !== undefined) writer.assign(name, value)
  walkBody(body, {
    statement: (statement) => {
      if (statement.kind === 'assign' && statement.part === undefined) writer.assign(statement.target, statement.value)
      if (statement.kind !== 'dynamic' || !statement.text.ok) return
      const texts = new Set(writer.texts(statement.text.value))
      const values = new Map(writer.values)
      for (const [at, value] of statement.using.entries()) if (value.ok) values.set(at + 1, value.value)
      for (const text of texts) {
        const parsed = facts.sql.statement(text)
        found.push({ queries: parsed.ok ? allQueries(parsed.value) : undefined, text, values })
      }
    },
  })
  return found
}

function allQueries(query: Query): readonly Query[] {
  const found: Query[] = []
  walkQuery(query, { query: (each) => void found.push(each) })
  return found
}

/** Puts together the texts that an expression can have. */
class TextWriter {
  readonly values = new Map<number, Expr>()
  readonly #variables = new Map<string, readonly string[]>()

  assign(name: string, value: Parsed<Expr>): void {
    if (!value.ok || !writesText(value.value)) return
    const texts = this.texts(value.value)
    // `sql := sql || …` continues the texts. Any other assignment adds a text, because the assignment may be in another branch.
    const before = isAbout(value.value, name) ? [] : (this.#variables.get(name) ?? [])
    this.#variables.set(name, [...before, ...texts].slice(-MOST_TEXTS))
  }

  texts(expr: Expr): readonly string[] {
    switch (expr.kind) {
      case 'cast':
      case 'collate':
        return this.texts(expr.arg)
      case 'constant':
        return [String(expr.value ?? '')]
      case 'operator':
        return expr.op === '||' && expr.left !== undefined ? this.#joined([expr.left, expr.right]) : this.#value(expr)
      case 'case':
        return this.#joined([
          ...expr.whens.map(({ then }) => then),
          ...(expr.otherwise === undefined ? [] : [expr.otherwise]),
        ])
      case 'coalesce':
        return this.#joined(expr.args.slice(0, 1))
      case 'column':
        return (expr.table === undefined ? this.#variables.get(expr.name) : undefined) ?? this.#value(expr)
      case 'call':
        return this.#call(expr)
      default:
        return this.#value(expr)
    }
  }

  #call(expr: Extract<Expr, { kind: 'call' }>): readonly string[] {
    const [first, ...rest] = expr.args
    if (first === undefined) return this.#value(expr)
    switch (expr.name) {
      case 'concat':
        return this.#joined(expr.args)
      case 'concat_ws':
        return this.#joined(rest.flatMap((part, at) => (at === 0 ? [part] : [first, part])))
      case 'quote_literal':
      case 'quote_nullable':
        return this.#value(first)
      case 'quote_ident':
        return [nameOf(first)]
      case 'format':
        return first.kind === 'constant' && typeof first.value === 'string'
          ? this.#formatted(first.value, rest)
          : this.#value(expr)
      default:
        return this.#value(expr)
    }
  }

  #formatted(format: string, values: readonly Expr[]): readonly string[] {
    let texts: readonly string[] = ['']
    let next = 0
    let from = 0
    for (const match of format.matchAll(/%(?:(\d+)\$)?-?\d*([sIL%])/g)) {
      const [all, position, kind] = match
      texts = product(texts, [format.slice(from, match.index)])
      from = match.index + all.length
      if (kind === '%') {
        texts = product(texts, ['%'])
        continue
      }
      const at = position === undefined ? next : Number(position) - 1
      next = at + 1
      const value = values[at]
      if (value === undefined) continue
      texts = product(texts, kind === 's' ? this.texts(value) : kind === 'I' ? [nameOf(value)] : this.#value(value))
    }
    return product(texts, [format.slice(from)])
  }

  #joined(parts: readonly Expr[]): readonly string[] {
    return parts.reduce<readonly string[]>((texts, part) => product(texts, this.texts(part)), [''])
  }

  #value(expr: Expr): readonly string[] {
    const number = FIRST_WRITTEN + this.values.size
    this.values.set(number, expr)
    return [`$${number}`]
  }
}

function product(beginnings: readonly string[], ends: readonly string[]): readonly string[] {
  return beginnings.flatMap((beginning) => ends.map((end) => beginning + end)).slice(-MOST_TEXTS)
}

/** Whether the expression contains SQL text. A variable that only holds an argument is a value and not SQL. */
function writesText(expr: Expr): boolean {
  let writes = false
  walkExpression(expr, {
    expression: (part) => {
      writes ||= part.kind === 'constant' && typeof part.value === 'string' && /[a-z]{2}/i.test(part.value)
    },
  })
  return writes
}

function isAbout(expr: Expr, name: string): boolean {
  let found = false
  walkExpression(expr, {
    expression: (part) => {
      found ||= part.kind === 'column' && part.name === name
    },
  })
  return found
}

function nameOf(expr: Expr): string {
  if (expr.kind === 'cast') return nameOf(expr.arg)
  return expr.kind === 'constant' && typeof expr.value === 'string' ? quoteIdentifier(expr.value) : 'unknown_name'
}
