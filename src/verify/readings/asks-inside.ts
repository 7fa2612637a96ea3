import type { DatabaseFunction } from '../../catalog/model.ts'
import type { Expr } from '../../sql/tree.ts'
import { walkBody } from '../../sql/walk.ts'
import type { Facts } from '../../tenancy/facts.ts'
import type { FindingDraft } from '../finding/finding.ts'
import { givenNames, mentions } from './given-names.ts'
import { calledBy } from './policy-functions.ts'

/**
 * Limits a finding on a SECURITY DEFINER function as long as no attack confirmed it.
 *
 * - A body that raises an exception about an argument, or calls another function, may check the caller in a way that is not read here.
 *   The finding is suspected, and at most medium.
 * - A boolean function that compares a column with a constant text, such as `sharing <> 'private'`, may be meant to tell about shared
 *   rows. The finding is suspected, and at most low.
 */
export function untilCalled(facts: Facts, fn: DatabaseFunction): Pick<FindingDraft, 'suspected' | 'unconfirmed'> {
  const asked = asksInside(facts, fn)
  return asked === undefined ? {} : { suspected: true, unconfirmed: asked === 'state' ? 'low' : 'medium' }
}

/** `guard`: the body may check its caller. `state`: the function only tells whether a row with a certain state exists. */
function asksInside(facts: Facts, fn: DatabaseFunction): 'guard' | 'state' | undefined {
  const given = givenNames(facts, fn)
  let raises = false
  let states = false
  walkBody(facts.sql.body(fn), {
    statement: (statement) => {
      // Only conditions on an argument count. A check that some user is logged in does not protect the row that the argument selects.
      if (statement.kind !== 'if') return
      raises ||= statement.branches.some(
        ({ condition, body }) =>
          condition.ok &&
          mentions(condition.value, given) &&
          body.some((inner) => inner.kind === 'raise' && inner.level === 'exception'),
      )
    },
    expression: (expr) => {
      if (isState(expr)) states = true
    },
  })
  if (states && !raises && fn.returnType === 'boolean' && !fn.returnsSet) return 'state'
  return raises || calledBy(facts, fn).some((called) => called.extension === undefined) ? 'guard' : undefined
}

/** `sharing <> 'private'`: a comparison of a column with a constant text. */
function isState(expr: Expr): boolean {
  if (expr.kind !== 'operator' || expr.left === undefined || !/^(=|<>|!=)$/.test(expr.op)) return false
  const sides = [expr.left, expr.right]
  return sides.some((side) => side.kind === 'column') && sides.some((side) => isText(side))
}

function isText(expr: Expr): boolean {
  return expr.kind === 'cast' ? isText(expr.arg) : expr.kind === 'constant' && typeof expr.value === 'string'
}
