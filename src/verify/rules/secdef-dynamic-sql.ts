import type { DatabaseFunction } from '../../catalog/model.ts'
import type { Expr } from '../../sql/tree.ts'
import { childrenOf, walkBody } from '../../sql/walk.ts'
import type { Facts } from '../../tenancy/facts.ts'
import { invokerSql } from '../../tenancy/invoker-sql.ts'
import type { Rule } from '../finding/rule.ts'
import { callableDefiners } from '../readings/definer-code.ts'
import { givenNames } from '../readings/given-names.ts'

const QUOTING = new Set(['quote_literal', 'quote_ident', 'quote_nullable'])

export const secdefDynamicSql: Rule = {
  id: 'secdef-dynamic-sql',
  group: 'code',
  title: 'A SECURITY DEFINER function puts an argument into SQL text',
  severity: 'critical',
  meaning: `An argument such as "' OR true --" becomes SQL that runs as the owner of the function.`,
  remedy: 'Use EXECUTE … USING for values, and format() with %I and %L for names and literals.',
  *run(facts) {
    for (const fn of callableDefiners(facts)) {
      const glued = gluedArguments(facts, fn)
      if (glued.length === 0) continue
      yield {
        object: fn.label,
        message: `${fn.label} runs as ${facts.roleName(fn.owner)} and puts ${glued.join(', ')} into the text of a statement unquoted: the caller writes SQL that runs as ${facts.roleName(fn.owner)}.`,
        evidence: [
          `callable by ${facts
            .executors(fn)
            .map((role) => role.role.name)
            .join(', ')}`,
        ],
        fix: `${invokerSql(facts, fn)}\n-- and pass values with EXECUTE … USING, names with format('%I').`,
      }
    }
  },
}

function gluedArguments(facts: Facts, fn: DatabaseFunction): readonly string[] {
  const given = givenNames(facts, fn)
  const found = new Set<string>()
  const built = new Map<string, Expr>()
  const look = (expr: Expr): void => {
    if (expr.kind === 'call' && QUOTING.has(expr.name)) return
    if (expr.kind === 'call' && expr.name === 'format') {
      for (const raw of rawFormatArguments(expr.args)) look(raw)
      return
    }
    // A number, uuid, boolean or date can't contain SQL.
    if (
      expr.kind === 'cast' &&
      /^(?:pg_catalog\.)?(?:int|bigint|smallint|numeric|uuid|bool|date|timestamp)/.test(expr.type)
    )
      return
    if (expr.kind === 'column' && expr.table === undefined) {
      const text = built.get(expr.name)
      if (text !== undefined) {
        built.delete(expr.name)
        look(text)
      } else if (given.has(expr.name) && holdsText(fn, expr.name)) found.add(expr.name)
    }
    if (expr.kind === 'parameter') found.add(`$${expr.number}`)
    for (const part of childrenOf(expr)) look(part)
  }
  walkBody(facts.sql.body(fn), {
    statement: (statement) => {
      if (statement.kind === 'assign' && statement.value.ok) built.set(statement.target, statement.value.value)
      if (statement.kind === 'dynamic' && statement.text.ok) look(statement.text.value)
    },
  })
  return [...found].sort()
}

/** Arguments of format() for %s, which format() does not quote. */
function rawFormatArguments(args: readonly Expr[]): readonly Expr[] {
  const [text, ...values] = args
  if (text?.kind !== 'constant' || typeof text.value !== 'string') return args
  const raw: Expr[] = []
  let next = 0
  for (const [, position, kind] of text.value.matchAll(/%(?:(\d+)\$)?-?\d*([sIL%])/g)) {
    if (kind === '%') continue
    const at = position === undefined ? next++ : Number(position) - 1
    const value = values[at]
    if (kind === 's' && value !== undefined) raw.push(value)
  }
  return raw
}

function holdsText(fn: DatabaseFunction, name: string): boolean {
  const argument = fn.arguments.find((each) => each.name === name)
  return (
    argument === undefined ||
    /^(text|character varying|character|citext|name|json|jsonb|text\[\]|unknown)/.test(argument.baseType)
  )
}
