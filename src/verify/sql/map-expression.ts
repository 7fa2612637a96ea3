import type { Expr, Query } from './tree.ts'

/** Rebuilds an expression, replacing parts for which `replace` gives something. Subqueries are rebuilt too. */
export function mapExpression(expr: Expr, replace: (part: Expr) => Expr | undefined): Expr {
  const done = replace(expr)
  if (done !== undefined) return done
  const map = (part: Expr) => mapExpression(part, replace)
  const maybe = (part: Expr | undefined) => (part === undefined ? undefined : map(part))
  switch (expr.kind) {
    case 'call':
    case 'and':
    case 'or':
    case 'coalesce':
      return { ...expr, args: expr.args.map(map) }
    case 'cast':
    case 'not':
    case 'null-test':
    case 'boolean-test':
    case 'collate':
      return { ...expr, arg: map(expr.arg) }
    case 'operator':
      return { ...expr, left: maybe(expr.left), right: map(expr.right) }
    case 'any':
    case 'all':
      return { ...expr, left: map(expr.left), array: map(expr.array) }
    case 'distinct':
    case 'nullif':
      return { ...expr, left: map(expr.left), right: map(expr.right) }
    case 'case':
      return {
        ...expr,
        subject: maybe(expr.subject),
        whens: expr.whens.map(({ when, then }) => ({ when: map(when), then: map(then) })),
        otherwise: maybe(expr.otherwise),
      }
    case 'array':
    case 'row':
      return { ...expr, items: expr.items.map(map) }
    case 'other':
      return { ...expr, parts: expr.parts.map(map) }
    case 'subquery':
      return { ...expr, left: maybe(expr.left), query: mapQuery(expr.query, replace) }
    default:
      return expr
  }
}

function mapQuery(query: Query, replace: (part: Expr) => Expr | undefined): Query {
  const map = (part: Expr) => mapExpression(part, replace)
  return {
    ...query,
    where: query.where === undefined ? undefined : map(query.where),
    targets: query.targets.map((target) => ({ ...target, expr: map(target.expr) })),
    with: query.with.map((cte) => ({ ...cte, query: mapQuery(cte.query, replace) })),
    setOperation:
      query.setOperation === undefined
        ? undefined
        : {
            ...query.setOperation,
            left: mapQuery(query.setOperation.left, replace),
            right: mapQuery(query.setOperation.right, replace),
          },
  }
}
