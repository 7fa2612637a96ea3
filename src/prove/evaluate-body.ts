import type { DatabaseFunction } from '../catalog/model.ts'
import { mapQuery } from '../sql/map-expression.ts'
import type { Body, Expr, PlStatement, Query } from '../sql/tree.ts'
import { walkStatements } from '../sql/walk.ts'
import type { Facts } from '../tenancy/facts.ts'
import { CAUGHT_ERROR } from './caught-error.ts'
import type { Inlined } from './inlined.ts'
import { Variables } from './variables.ts'

type Plpgsql = Extract<Body, { kind: 'plpgsql' }>
type Evaluated = Inlined | 'falls-through' | undefined

const NULL: Expr = { kind: 'constant', value: null }

/** Reads a PL/pgSQL body as one value or one query in terms of the function's arguments. Undefined if the body is neither. */
export function evaluateBody(fn: DatabaseFunction, body: Plpgsql, facts: Facts): Inlined | undefined {
  const variables = Variables.of(fn, body, facts)
  if (variables === undefined) return undefined
  const value = evaluate(body.statements, variables, fn)
  return value === 'falls-through' ? outOf(fn, variables) : value
}

/** The value of the OUT argument. Undefined unless there is exactly one. */
function outOf(fn: DatabaseFunction, variables: Variables): Inlined | undefined {
  const [only, ...more] = fn.arguments.filter(({ mode }) => mode === 'out' || mode === 'inout')
  if (fn.returnsSet || only === undefined || more.length > 0) return undefined
  const held = variables.get(only.name)
  return held === undefined ? undefined : { kind: 'value', expr: held }
}

/** Runs through the statements in order and replaces each variable by the expression that it holds at that point. */
function evaluate(statements: readonly PlStatement[], variables: Variables, fn: DatabaseFunction): Evaluated {
  for (const [at, statement] of statements.entries()) {
    switch (statement.kind) {
      case 'block': {
        const value =
          statement.handlers.length > 0
            ? withHandlers(statement, variables, fn)
            : evaluate(statement.body, variables, fn)
        if (value !== 'falls-through') return value
        break
      }
      case 'assign': {
        if (!statement.value.ok) return undefined
        if (statement.part === true) variables.forget(statement.target)
        else variables.assign(statement.target, variables.replacedIn(statement.value.value))
        break
      }
      case 'sql':
        if (!statement.query.ok || !query(statement.query.value, statement.into, variables)) return undefined
        break
      case 'if':
        return branch(statement, statements.slice(at + 1), variables, fn)
      case 'return': {
        if (statement.value === undefined) {
          const held = statement.variable === undefined ? undefined : variables.get(statement.variable)
          return held === undefined ? outOf(fn, variables) : { kind: 'value', expr: held }
        }
        if (!statement.value.ok) return undefined
        return { kind: 'value', expr: variables.replacedIn(statement.value.value) }
      }
      case 'return-query':
        return returnedQueries(statements.slice(at), variables)
      case 'raise':
        // RAISE EXCEPTION ends the query, so no row passes. In a policy, no row passes with NULL either, so NULL stands for the exception.
        if (statement.level === 'exception') return { kind: 'value', expr: NULL }
        break
      default:
        return undefined
    }
  }
  return 'falls-through'
}

/** RETURN QUERY adds rows and continues. If only such statements follow, the function returns the UNION of their queries. */
function returnedQueries(statements: readonly PlStatement[], variables: Variables): Inlined | undefined {
  let all: Query | undefined
  for (const statement of statements) {
    if (statement.kind === 'return' && statement.value === undefined) break
    if (statement.kind !== 'return-query' || !statement.query.ok) return undefined
    const right = mapQuery(statement.query.value, (part) => variables.replaced(part))
    all = all === undefined ? right : unionOf(all, right)
  }
  return all === undefined ? undefined : { kind: 'rows', query: all }
}

function unionOf(left: Query, right: Query): Query {
  return {
    ...left,
    with: [],
    from: [],
    where: undefined,
    targets: [],
    values: [],
    others: [],
    groups: false,
    groupsNothing: false,
    limited: false,
    setOperation: { op: 'union', left, right },
  }
}

/** SELECT INTO: each variable gets the column of the query in its position, or NULL if the query has no row. */
function query(select: Query, into: readonly string[], variables: Variables): boolean {
  if (select.kind !== 'select') return false
  const read = mapQuery(select, (part) => variables.replaced(part))
  const subquery = (type: 'scalar' | 'exists', targets: Query['targets']): Expr => ({
    kind: 'subquery',
    type,
    op: '=',
    left: undefined,
    query: { ...read, targets },
  })
  if (
    into.length === read.targets.length &&
    read.targets.every(({ expr }) => expr.kind !== 'column' || expr.name !== '*')
  )
    into.forEach((name, at) => {
      const target = read.targets[at]
      if (target !== undefined) variables.fill(name, [{ name: target.name, value: subquery('scalar', [target]) }])
    })
  else if (into.length === 1 && into[0] !== undefined && read.setOperation === undefined)
    variables.fill(
      into[0],
      read.targets.map((target) => ({
        name: target.name ?? (target.expr.kind === 'column' ? target.expr.name : undefined),
        value: subquery('scalar', [target]),
      })),
    )
  else for (const name of into) variables.forget(name)
  variables.found(subquery('exists', read.targets))
  return true
}

function branch(
  statement: Extract<PlStatement, { kind: 'if' }>,
  rest: readonly PlStatement[],
  variables: Variables,
  fn: DatabaseFunction,
): Evaluated {
  const whens: { when: Expr; then: Expr }[] = []
  const valueAfter = (body: readonly PlStatement[]): Expr | undefined => {
    const value = evaluate([...body, ...rest], variables.copy(), fn)
    return value === undefined || value === 'falls-through' || value.kind !== 'value' ? undefined : value.expr
  }
  for (const { condition, body } of statement.branches) {
    const then = valueAfter(body)
    if (!condition.ok || then === undefined) return undefined
    whens.push({ when: variables.replacedIn(condition.value), then })
  }
  const otherwise = valueAfter(statement.otherwise)
  if (otherwise === undefined) return undefined
  return { kind: 'value', expr: { kind: 'case', subject: undefined, whens, otherwise } }
}

/** A block with EXCEPTION. Its value is the value of the body or, because any statement may fail, the value of a handler. */
function withHandlers(
  statement: Extract<PlStatement, { kind: 'block' }>,
  variables: Variables,
  fn: DatabaseFunction,
): Evaluated {
  // The error may come at any statement, so in a handler each variable that the body sets may have any value.
  const after = variables.copy()
  walkStatements(statement.body, {
    statement: (part) => {
      if (part.kind === 'assign') after.forget(part.target)
      if (part.kind === 'sql') {
        for (const name of part.into) after.forget(name)
        after.forget('found')
      }
    },
  })
  const value = evaluate(statement.body, variables, fn)
  if (value === undefined || value === 'falls-through' || value.kind !== 'value') return undefined
  const whens: { when: Expr; then: Expr }[] = []
  for (const handler of statement.handlers) {
    const handled = evaluate(handler.body, after.copy(), fn)
    if (handled === undefined || handled === 'falls-through' || handled.kind !== 'value') return undefined
    whens.push({ when: { kind: 'other', node: CAUGHT_ERROR, parts: [] }, then: handled.expr })
  }
  return { kind: 'value', expr: { kind: 'case', subject: undefined, whens, otherwise: value.expr } }
}
