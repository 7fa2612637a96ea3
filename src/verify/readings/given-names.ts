import type { DatabaseFunction } from '../../catalog/model.ts'
import type { Expr } from '../../sql/tree.ts'
import { walkBody, walkExpression } from '../../sql/walk.ts'
import type { Facts } from '../../tenancy/facts.ts'

/** Names of the input arguments, and of variables that were set from them. */
export function givenNames(facts: Facts, fn: DatabaseFunction): ReadonlySet<string> {
  const names = new Set(fn.arguments.filter((arg) => arg.mode !== 'out' && arg.mode !== 'table').map((arg) => arg.name))
  names.delete('')
  walkBody(facts.sql.body(fn), {
    statement: (statement) => {
      if (statement.kind === 'assign' && statement.value.ok && mentions(statement.value.value, names)) {
        names.add(statement.target)
      }
    },
  })
  return names
}

/** True when an expression uses one of the names, or a numbered parameter. */
export function mentions(expr: Expr, names: ReadonlySet<string>): boolean {
  let found = false
  walkExpression(expr, {
    expression: (part) => {
      if (part.kind === 'parameter' || (part.kind === 'column' && names.has(part.name))) found = true
    },
  })
  return found
}

/** Whether an argument of the caller selects the rows: the argument is compared for equality with a column. LIKE does not count. */
export function picksBy(condition: Expr, names: ReadonlySet<string>): boolean {
  let found = false
  walkExpression(condition, {
    expression: (expr) => {
      const sides =
        comparedSides(expr) ?? (expr.kind === 'subquery' && expr.left !== undefined ? [expr.left, expr] : undefined)
      if (sides === undefined) return
      const [left, right] = sides
      found ||= (isColumn(left, names) && mentions(right, names)) || (isColumn(right, names) && mentions(left, names))
    },
  })
  return found
}

function isColumn(expr: Expr, names: ReadonlySet<string>): boolean {
  if (expr.kind === 'cast' || expr.kind === 'collate') return isColumn(expr.arg, names)
  return expr.kind === 'column' && !names.has(expr.name)
}

/** Both sides of an equality: `=`, `= ANY`, IS NOT DISTINCT FROM. */
export function comparedSides(expr: Expr): readonly [Expr, Expr] | undefined {
  if (expr.kind === 'operator' && expr.op === '=' && expr.left !== undefined) return [expr.left, expr.right]
  if (expr.kind === 'any' && expr.op === '=') return [expr.left, expr.array]
  return expr.kind === 'distinct' && expr.negated ? [expr.left, expr.right] : undefined
}
