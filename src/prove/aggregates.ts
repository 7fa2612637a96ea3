import type { Expr, FromItem, Query } from '../sql/tree.ts'
import { childrenOf } from '../sql/walk.ts'
import type { Facts } from '../tenancy/facts.ts'
import { isBuiltInCall } from './built-in.ts'

/** The server's own aggregates, as of PostgreSQL 18. */
const AGGREGATES = new Set(
  `any_value array_agg avg bit_and bit_or bit_xor bool_and bool_or corr count covar_pop covar_samp cume_dist dense_rank every
  json_agg json_agg_strict json_object_agg json_object_agg_strict json_object_agg_unique json_object_agg_unique_strict
  jsonb_agg jsonb_agg_strict jsonb_object_agg jsonb_object_agg_strict jsonb_object_agg_unique jsonb_object_agg_unique_strict
  max min mode percent_rank percentile_cont percentile_disc range_agg range_intersect_agg rank regr_avgx regr_avgy regr_count
  regr_intercept regr_r2 regr_slope regr_sxx regr_sxy regr_syy stddev stddev_pop stddev_samp string_agg sum var_pop var_samp
  variance xmlagg`.split(/\s+/),
)

/** Aggregates that return the value of one of the rows. */
const PICKED = new Set(['min', 'max', 'any_value'])

/** Whether the expression is `min(x)`, `max(x)` or `any_value(x)`, whose value comes from one of the rows that were read. */
export function isPicked(expr: Expr, facts: Facts): expr is Extract<Expr, { kind: 'call' }> {
  return expr.kind === 'call' && PICKED.has(expr.name) && isBuiltInCall(expr, facts)
}

/** Whether the expression is `array_agg(x)`: each element of the array comes from one of the rows that were read. */
export function isGathered(expr: Expr, facts: Facts): expr is Extract<Expr, { kind: 'call' }> {
  return expr.kind === 'call' && expr.name === 'array_agg' && isBuiltInCall(expr, facts)
}

export function isCount(expr: Expr | undefined, facts: Facts): boolean {
  return expr?.kind === 'call' && expr.name === 'count' && isBuiltInCall(expr, facts)
}

/**
 * True if a query may return a row although its FROM list has none: it has an aggregate and no GROUP BY.
 *
 * @param picked true if the caller asks for the query's one value, and not whether there is a row. `max(x)` over no rows is NULL, as if
 * there were no row.
 */
export function hasRowOfNothing(query: Query, facts: Facts, picked: boolean): boolean {
  if (query.groupsNothing) return true
  if (query.groups) return false
  const [only, ...more] = query.targets
  const isOne = picked && only !== undefined && more.length === 0
  if (isOne && (isPicked(only.expr, facts) || isGathered(only.expr, facts))) return false
  return [...query.targets.map((target) => target.expr), ...query.others].some((expr) => aggregates(expr, facts))
}

/** How many aggregates the SELECT list has. Two of them, such as `min(a), max(b)`, may come from two different rows. */
export function countAggregates(query: Query, facts: Facts): number {
  return query.targets.filter((target) => aggregates(target.expr, facts)).length
}

/** Whether the expression contains an aggregate that may belong to this query, and not to a subquery inside it. */
function aggregates(expr: Expr, facts: Facts): boolean {
  if (isAggregate(expr, facts)) return true
  if (childrenOf(expr).some((part) => aggregates(part, facts))) return true
  return expr.kind === 'subquery' && lends(expr.query, facts)
}

/** Whether a subquery has an aggregate over columns of the outer query only. PostgreSQL computes such an aggregate in the outer query. */
function lends(query: Query, facts: Facts): boolean {
  const own = new Set(query.from.flatMap(aliasesOf))
  const parts = [...query.targets.map((target) => target.expr), ...query.others]
  return (
    parts.some((part) => someAggregate(part, facts, own)) ||
    [query.setOperation?.left, query.setOperation?.right, ...query.with.map((cte) => cte.query)].some(
      (inner) => inner !== undefined && lends(inner, facts),
    )
  )
}

function someAggregate(expr: Expr, facts: Facts, own: ReadonlySet<string>): boolean {
  if (isAggregate(expr, facts)) {
    const columns = columnsIn(expr)
    if (columns.length > 0 && !columns.some((column) => column.table !== undefined && own.has(column.table)))
      return true
  }
  if (childrenOf(expr).some((part) => someAggregate(part, facts, own))) return true
  return expr.kind === 'subquery' && lends(expr.query, facts)
}

function columnsIn(expr: Expr): readonly Extract<Expr, { kind: 'column' }>[] {
  return expr.kind === 'column' ? [expr] : childrenOf(expr).flatMap(columnsIn)
}

function aliasesOf(item: FromItem): readonly string[] {
  if (item.kind === 'join') return [...aliasesOf(item.left), ...aliasesOf(item.right)]
  if (item.kind === 'other') return []
  return [item.alias ?? (item.kind === 'table' ? item.name : '')]
}

function isAggregate(expr: Expr, facts: Facts): boolean {
  if (expr.kind === 'other' && /^(Json.*Agg|XmlExpr|GroupingFunc)/.test(expr.node)) return true
  // A window function such as count(*) OVER () is no aggregate, but an expression inside it may be an aggregate.
  if (expr.kind !== 'call') return false
  if (AGGREGATES.has(expr.name) && (expr.schema === undefined || expr.schema === 'pg_catalog')) return true
  return facts.functionsNamed(expr.schema, expr.name).some((fn) => fn.kind === 'aggregate')
}
