import type { Expr, FromItem, Query, Target } from './tree.ts'

/** Returns the replacement of a part, or undefined to keep the part. */
type Replace = (part: Expr) => Expr | undefined

/** Rebuilds an expression, replacing the parts for which `replace` returns a value. Subqueries are rebuilt too. */
export function mapExpression(expr: Expr, replace: Replace): Expr {
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

/** Rebuilds a query, replacing the parts of its expressions for which `replace` returns a value. */
export function mapQuery(query: Query, replace: Replace): Query {
  const map = (part: Expr) => mapExpression(part, replace)
  const targets = (list: readonly Target[]) => list.map((target) => ({ ...target, expr: map(target.expr) }))
  const from = (item: FromItem): FromItem => {
    switch (item.kind) {
      case 'subquery':
        return { ...item, query: mapQuery(item.query, replace) }
      case 'function':
        return { ...item, calls: item.calls.map(map) }
      case 'join':
        return {
          ...item,
          left: from(item.left),
          right: from(item.right),
          on: item.on === undefined ? undefined : map(item.on),
        }
      default:
        return item
    }
  }
  const { setOperation } = query
  return {
    ...query,
    from: query.from.map(from),
    where: query.where === undefined ? undefined : map(query.where),
    targets: targets(query.targets),
    values: query.values.map((row) => row.map(map)),
    others: query.others.map(map),
    with: query.with.map((cte) => ({ ...cte, query: mapQuery(cte.query, replace) })),
    setOperation:
      setOperation === undefined
        ? undefined
        : {
            ...setOperation,
            left: mapQuery(setOperation.left, replace),
            right: mapQuery(setOperation.right, replace),
          },
  }
}
