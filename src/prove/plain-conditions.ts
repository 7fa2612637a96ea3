import type { Expr } from '../sql/tree.ts'
import type { QueryRow } from './branch.ts'
import { constantEquality } from './constants.ts'
import { peel, sameExpression } from './rewrite.ts'

/** The condition `left = (the query's SELECT list)`. */
export function equality(left: Expr, row: QueryRow): Expr {
  const right: Expr =
    left.kind === 'row'
      ? { kind: 'row', items: row.targets.map((target) => target.expr) }
      : (row.targets[0]?.expr ?? { kind: 'constant', value: null })
  return { kind: 'operator', op: '=', left, right }
}

/** x OR NOT x: true unless x is NULL. */
export function hasComplement(args: readonly Expr[]): boolean {
  return args.some((arg) => arg.kind === 'not' && args.some((other) => sameExpression(other, arg.arg)))
}

/** (a, b) = (c, d) is a = c and b = d. */
export function pairsOf(lefts: readonly Expr[], rights: readonly Expr[]): readonly Expr[] {
  return lefts.map((left, at) => ({
    kind: 'operator',
    op: '=',
    left,
    right: rights[at] ?? { kind: 'constant', value: null },
  }))
}

/** The constant true. */
export function isTrue(expr: Expr): boolean {
  const inner = peel(expr)
  return inner.kind === 'constant' && inner.value === true
}

/** Whether an expression is the constant NULL, with or without casts. */
export function isNull(expr: Expr): boolean {
  const inner = peel(expr)
  return inner.kind === 'constant' && inner.value === null
}

/** Whether an expression can't be NULL, whatever the rows hold. */
export function neverNull(expr: Expr): boolean {
  if (expr.kind === 'constant') return expr.value !== null
  if (expr.kind === 'subquery') return expr.type === 'exists'
  return expr.kind === 'null-test' || expr.kind === 'distinct' || expr.kind === 'boolean-test'
}

/** `expr IS NOT TRUE`: true if the expression is false or NULL. */
export function notTrue(expr: Expr): Expr {
  return { kind: 'boolean-test', arg: expr, test: 'IS_NOT_TRUE' }
}

/** A comparison that is true for all rows, such as `'a' <> 'b'`, or for all rows without NULL, such as `x <= x`. */
export function isConstantTrue(expr: Extract<Expr, { kind: 'operator' }>): boolean {
  if (expr.left === undefined) return false
  const equal = constantEquality(expr.left, expr.right)
  return (
    (expr.op === '<>' && equal === false) ||
    ((expr.op === '<=' || expr.op === '>=') && sameExpression(expr.left, expr.right))
  )
}
