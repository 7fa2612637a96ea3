import type { DatabaseFunction } from '../../catalog/model.ts'
import type { Expr } from '../../sql/tree.ts'
import { walkBody } from '../../sql/walk.ts'
import type { Facts } from '../../tenancy/facts.ts'
import type { FindingDraft } from '../finding/finding.ts'
import { givenNames, mentions } from './given-names.ts'
import { calledBy } from './policy-functions.ts'

/**
 * What a finding on a definer function may say before an attack called it.
 *
 * A body that raises, or that asks another function, may ask who calls in a way that is not read here. It is suspected and at
 * most medium, until a call with another tenant's id gets through. A body that answers true or false about rows with a certain
 * state tells of rows that are meant to be told of: at most low.
 */
export function untilCalled(facts: Facts, fn: DatabaseFunction): Pick<FindingDraft, 'suspected' | 'unconfirmed'> {
  const asked = asksInside(facts, fn)
  return asked === undefined ? {} : { suspected: true, unconfirmed: asked === 'state' ? 'low' : 'medium' }
}

/** `state`: true or false about rows that are meant to be told of, and nothing else. */
function asksInside(facts: Facts, fn: DatabaseFunction): 'guard' | 'state' | undefined {
  const given = givenNames(facts, fn)
  let raises = false
  let states = false
  walkBody(facts.sql.body(fn), {
    statement: (statement) => {
      // A check that there is a caller, whoever it is, asks nothing about what was named.
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

/** `sharing <> 'private'`: rows that are meant to be told of. */
function isState(expr: Expr): boolean {
  if (expr.kind !== 'operator' || expr.left === undefined || !/^(=|<>|!=)$/.test(expr.op)) return false
  const sides = [expr.left, expr.right]
  return sides.some((side) => side.kind === 'column') && sides.some((side) => isText(side))
}

function isText(expr: Expr): boolean {
  return expr.kind === 'cast' ? isText(expr.arg) : expr.kind === 'constant' && typeof expr.value === 'string'
}
