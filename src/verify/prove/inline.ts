import type { DatabaseFunction } from '../../catalog/model.ts'
import type { Facts } from '../facts.ts'
import { mapExpression } from '../sql/map-expression.ts'
import type { Body, Expr, Parsed, PlStatement, Query } from '../sql/tree.ts'

/** What a call comes down to: a value, or the rows of a query, both still in the function's own names. */
export type Inlined =
  | { readonly kind: 'value'; readonly expr: Expr; readonly variables: ReadonlyMap<string, Expr> }
  | { readonly kind: 'rows'; readonly query: Query; readonly variables: ReadonlyMap<string, Expr> }

/** The one function that a call means, or undefined for built-ins and overloads that can't be told apart. */
export function calledFunction(facts: Facts, call: Extract<Expr, { kind: 'call' }>): DatabaseFunction | undefined {
  const named = facts.functionsNamed(call.schema, call.name)
  const fitting = named.filter((fn) => {
    const inputs = fn.arguments.filter(
      (argument) => argument.mode === 'in' || argument.mode === 'inout' || argument.mode === 'variadic',
    )
    return call.args.length <= inputs.length && call.args.length >= inputs.length - fn.defaultedArguments
  })
  return fitting.length === 1 ? fitting[0] : undefined
}

/** Reads a body as one expression or query, if it is one; `undefined` is beyond it. */
export function inlineBody(fn: DatabaseFunction, body: Body): Inlined | undefined {
  if (body.kind === 'unreadable') return undefined
  if (body.kind === 'sql') {
    const [only, ...more] = body.statements
    if (only === undefined || more.length > 0 || only.kind !== 'select') return undefined
    return queryValue(only, fn.returnsSet, new Map())
  }
  const variables = new Map<string, Expr>()
  for (const variable of body.variables) {
    if (variable.default?.ok === true) variables.set(variable.name, variable.default.value)
  }
  const value = evaluate(body.statements, variables)
  if (value === undefined || value === 'falls-through') return undefined
  return value.kind === 'rows' ? value : { ...value, variables: new Map() }
}

function queryValue(query: Query, returnsSet: boolean, variables: ReadonlyMap<string, Expr>): Inlined {
  const only = query.targets[0]
  if (
    query.from.length === 0 &&
    query.where === undefined &&
    query.setOperation === undefined &&
    only !== undefined &&
    !returnsSet
  )
    return { kind: 'value', expr: only.expr, variables }
  if (returnsSet) return { kind: 'rows', query, variables }
  return { kind: 'value', expr: { kind: 'subquery', type: 'scalar', op: '=', left: undefined, query }, variables }
}

type Evaluated = Inlined | 'falls-through' | undefined

/** Variables are replaced by what they hold as the statements go by. */
function evaluate(statements: readonly PlStatement[], variables: Map<string, Expr>): Evaluated {
  for (const [at, statement] of statements.entries()) {
    switch (statement.kind) {
      case 'block': {
        const value = evaluate(statement.body, variables)
        if (value === undefined) return undefined
        if (statement.handlers.length > 0) {
          const handled = withHandlers(value, statement, variables)
          if (handled === undefined) return undefined
          return handled
        }
        if (value !== 'falls-through') return value
        break
      }
      case 'assign': {
        const value = replaced(statement.value, variables)
        if (value === undefined) return undefined
        variables.set(statement.target, value)
        break
      }
      case 'sql': {
        if (!statement.query.ok || statement.query.value.kind !== 'select') return undefined
        const query = substitute(
          { kind: 'subquery', type: 'scalar', op: '=', left: undefined, query: statement.query.value },
          variables,
        )
        if (query.kind !== 'subquery') return undefined
        variables.set('found', { ...query, type: 'exists' })
        statement.into.forEach((name, position) => {
          const target = query.query.targets[position]
          if (target !== undefined) variables.set(name, { ...query, query: { ...query.query, targets: [target] } })
        })
        break
      }
      case 'if':
        return branch(statement, statements.slice(at + 1), variables)
      case 'return': {
        if (statement.value === undefined) {
          const held = statement.variable === undefined ? undefined : variables.get(statement.variable)
          return held === undefined ? undefined : { kind: 'value', expr: held, variables: new Map() }
        }
        const value = replaced(statement.value, variables)
        return value === undefined ? undefined : { kind: 'value', expr: value, variables: new Map() }
      }
      case 'return-query':
        if (!statement.query.ok) return undefined
        return { kind: 'rows', query: statement.query.value, variables: new Map(variables) }
      case 'raise':
        // An error lets no row through: as a value that is NULL.
        if (statement.level === 'exception')
          return { kind: 'value', expr: { kind: 'constant', value: null }, variables: new Map() }
        break
      default:
        return undefined
    }
  }
  return 'falls-through'
}

function branch(
  statement: Extract<PlStatement, { kind: 'if' }>,
  rest: readonly PlStatement[],
  variables: Map<string, Expr>,
): Evaluated {
  const whens: { when: Expr; then: Expr }[] = []
  for (const { condition, body } of statement.branches) {
    const when = replaced(condition, variables)
    const then = evaluate([...body, ...rest], new Map(variables))
    if (when === undefined || then === undefined || then === 'falls-through' || then.kind !== 'value') return undefined
    whens.push({ when, then: then.expr })
  }
  const otherwise = evaluate([...statement.otherwise, ...rest], new Map(variables))
  if (otherwise === undefined || otherwise === 'falls-through' || otherwise.kind !== 'value') return undefined
  return {
    kind: 'value',
    expr: { kind: 'case', subject: undefined, whens, otherwise: otherwise.expr },
    variables: new Map(),
  }
}

/** Either the body's value or, after an error that nobody can rule out, the handler's. */
function withHandlers(
  value: Evaluated,
  statement: Extract<PlStatement, { kind: 'block' }>,
  variables: Map<string, Expr>,
): Evaluated {
  if (value === undefined || value === 'falls-through' || value.kind !== 'value') return undefined
  const whens: { when: Expr; then: Expr }[] = []
  for (const handler of statement.handlers) {
    const handled = evaluate(handler.body, new Map(variables))
    if (handled === undefined || handled === 'falls-through' || handled.kind !== 'value') return undefined
    whens.push({ when: { kind: 'other', node: 'an error is caught', parts: [] }, then: handled.expr })
  }
  return {
    kind: 'value',
    expr: { kind: 'case', subject: undefined, whens, otherwise: value.expr },
    variables: new Map(),
  }
}

function replaced(parsed: Parsed<Expr>, variables: ReadonlyMap<string, Expr>): Expr | undefined {
  return parsed.ok ? substitute(parsed.value, variables) : undefined
}

/** Replaces unqualified names that are variables; a table's column of the same name is an error in PL/pgSQL anyway. */
export function substitute(expr: Expr, variables: ReadonlyMap<string, Expr>): Expr {
  if (variables.size === 0) return expr
  return mapExpression(expr, (part) => {
    if (part.kind !== 'column') return undefined
    return variables.get(part.table === undefined ? part.name : `${part.table}.${part.name}`)
  })
}
