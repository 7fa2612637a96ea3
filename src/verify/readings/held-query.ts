import type { Expr, Query } from '../../sql/tree.ts'
import { childrenOf } from '../../sql/walk.ts'
import { joinConditions } from '../../tenancy/discovery/compared.ts'

/**
 * True when a condition that satisfies `test` must hold for each row of the query. It is in WHERE, ON or a query in FROM, and not only
 * on one side of an OR. For a UNION, both sides need it.
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

function holds(expr: Expr, test: (expr: Expr) => boolean): boolean {
  switch (expr.kind) {
    case 'or':
      return expr.args.every((arg) => holds(arg, test))
    case 'not':
    case 'case':
      return false
    case 'subquery':
      return test(expr) || holdsRows(expr.query, test)
    default:
      return test(expr) || childrenOf(expr).some((part) => holds(part, test))
  }
}
