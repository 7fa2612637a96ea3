import type { Relation } from '../../catalog/model.ts'
import { constantEquality, truthOf } from '../../prove/constants.ts'
import type { Expr } from '../../sql/tree.ts'
import type { Facts } from '../../tenancy/facts.ts'

/**
 * Whether a clause of a policy is true for every row: `true`, `1 = 1`, `id IS NOT NULL` on a NOT NULL column. False if that can't be
 * decided.
 */
export function saysNothing(facts: Facts, relation: Relation, text: string | undefined): boolean {
  if (text === undefined) return true
  const parsed = facts.sql.expression(text)
  return parsed.ok && always(relation, parsed.value)
}

function always(relation: Relation, expr: Expr): boolean {
  switch (expr.kind) {
    case 'constant':
      return truthOf(expr.value) === true
    case 'cast':
      return always(relation, expr.arg)
    case 'and':
      return expr.args.every((arg) => always(relation, arg))
    case 'or':
      return expr.args.some((arg) => always(relation, arg))
    case 'operator':
      return (
        expr.op === '=' &&
        expr.schema === undefined &&
        expr.left !== undefined &&
        constantEquality(expr.left, expr.right) === true
      )
    case 'null-test': {
      const { arg, negated } = expr
      return (
        negated && arg.kind === 'column' && relation.columns.some(({ name, notNull }) => name === arg.name && notNull)
      )
    }
    case 'subquery': {
      // (SELECT true)
      const { query } = expr
      const [target] = query.targets
      const bare = expr.type === 'scalar' && query.from.length === 0 && query.where === undefined
      return bare && query.setOperation === undefined && target !== undefined && always(relation, target.expr)
    }
    default:
      return false
  }
}
