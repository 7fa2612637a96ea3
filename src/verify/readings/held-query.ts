import type { Expr, Query } from '../../sql/tree.ts'
import { childrenOf } from '../../sql/walk.ts'
import { joinConditions } from '../../tenancy/discovery/compared.ts'

/**
 * Whether a condition that satisfies `test` is true for each row that the query returns or changes. The condition may be in the query's own
 * WHERE or ON, or in a CTE or subquery that the query reads. In a UNION, both sides need such a condition.
 */
export function holdsRows(query: Query, test: (expr: Expr) => boolean): boolean {
  const { setOperation } = query
  if (setOperation !== undefined) {
    const left = holdsRows(setOperation.left, test)
    if (setOperation.op === 'except') return left
    const right = holdsRows(setOperation.right, test)
    return setOperation.op === 'union' ? left && right : left || right
  }
  const conditions = [
    query.where,
    ...query.from.flatMap(joinConditions),
    ...(query.kind === 'select' ? query.others : []),
  ]
  if (conditions.some((condition) => condition !== undefined && holds(condition, test))) return true
  if (query.with.some((cte) => holdsRows(cte.query, test))) return true
  if (query.from.some((item) => item.kind === 'subquery' && holdsRows(item.query, test))) return true
  if (query.source !== undefined && holdsRows(query.source, test)) return true
  // SELECT (SELECT … WHERE tenant = context): the condition is in a subquery of the SELECT list, and there is no FROM.
  return query.from.length === 0 && query.targets.some((target) => holds(target.expr, test))
}

/** Whether `expr` can be true only if a condition that satisfies `test` is true. For an expression of an unknown kind the answer is no. */
function holds(expr: Expr, test: (expr: Expr) => boolean): boolean {
  if (test(expr)) return true
  switch (expr.kind) {
    case 'and':
      return expr.args.some((arg) => holds(arg, test))
    case 'or':
      return expr.args.every((arg) => holds(arg, test))
    case 'coalesce':
      return holdsWhicheverIsFirst(expr.args, test)
    case 'boolean-test':
      return expr.test === 'IS_TRUE' && holds(expr.arg, test)
    case 'null-test':
      return expr.negated && needsRow(expr.arg, test)
    case 'operator':
      return comparesTruly(expr, test) || childrenOf(expr).some((part) => needsRow(part, test))
    case 'subquery':
      return (
        expr.type !== 'all' && (holdsRows(expr.query, test) || (expr.left !== undefined && needsRow(expr.left, test)))
      )
    case 'cast':
    case 'collate':
      return holds(expr.arg, test)
    case 'any':
    case 'call':
      return childrenOf(expr).some((part) => needsRow(part, test))
    default:
      return false
  }
}

/**
 * `coalesce(a, b)` is true if a is true, or if a is NULL and b is true. So each argument must imply the condition:
 * `coalesce(tenant = context, true)` restricts nothing. The constants false and NULL never make the result true.
 */
function holdsWhicheverIsFirst(args: readonly Expr[], test: (expr: Expr) => boolean): boolean {
  const telling = args.filter((arg) => !(arg.kind === 'constant' && (arg.value === false || arg.value === null)))
  return telling.length > 0 && telling.every((arg) => holds(arg, test))
}

/** Only a comparison with the constant true counts: `(tenant = context) = x` is also true if both sides are false. */
function comparesTruly(expr: Extract<Expr, { kind: 'operator' }>, test: (expr: Expr) => boolean): boolean {
  const { op, left, right } = expr
  if (op !== '=' || left === undefined) return false
  const isTrue = (side: Expr) => side.kind === 'constant' && side.value === true
  return (isTrue(right) && holds(left, test)) || (isTrue(left) && holds(right, test))
}

/** Whether a value is NULL unless a subquery has a row for which the condition is true. */
function needsRow(expr: Expr, test: (expr: Expr) => boolean): boolean {
  switch (expr.kind) {
    case 'subquery':
      return expr.type !== 'all' && (test(expr) || holdsRows(expr.query, test))
    case 'coalesce':
      return expr.args.every((arg) => needsRow(arg, test))
    case 'call':
    case 'cast':
    case 'collate':
    case 'operator':
    case 'array':
    case 'row':
      return childrenOf(expr).some((part) => needsRow(part, test))
    default:
      return false
  }
}
