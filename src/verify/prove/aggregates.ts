import type { Facts } from '../facts.ts'
import type { Expr, Query } from '../sql/tree.ts'
import { childrenOf } from '../sql/walk.ts'

/** The server's own aggregates, as of PostgreSQL 18. */
const AGGREGATES = new Set(
  `any_value array_agg avg bit_and bit_or bit_xor bool_and bool_or corr count covar_pop covar_samp cume_dist dense_rank every
  json_agg json_agg_strict json_object_agg json_object_agg_strict json_object_agg_unique json_object_agg_unique_strict
  jsonb_agg jsonb_agg_strict jsonb_object_agg jsonb_object_agg_strict jsonb_object_agg_unique jsonb_object_agg_unique_strict
  max min mode percent_rank percentile_cont percentile_disc range_agg range_intersect_agg rank regr_avgx regr_avgy regr_count
  regr_intercept regr_r2 regr_slope regr_sxx regr_sxy regr_syy stddev stddev_pop stddev_samp string_agg sum var_pop var_samp
  variance xmlagg`.split(/\s+/),
)

/** Aggregates whose value, or one of them, is that of some row. */
const PICKED = new Set(['min', 'max', 'any_value', 'array_agg', 'unnest'])

export function isPicked(expr: Expr): expr is Extract<Expr, { kind: 'call' }> {
  return expr.kind === 'call' && isBuiltIn(expr) && PICKED.has(expr.name)
}

export function isCount(expr: Expr | undefined): boolean {
  return expr?.kind === 'call' && isBuiltIn(expr) && expr.name === 'count'
}

/**
 * True where a query has a row even if nothing was read: it aggregates without groups.
 *
 * @param picked the one value is asked for, not whether there is a row: that of `max(x)` is NULL then, as if there were none
 */
export function hasRowOfNothing(query: Query, facts: Facts, picked: boolean): boolean {
  if (query.groupsNothing) return true
  if (query.groups || !query.targets.some((target) => aggregates(target.expr, facts))) return false
  const [only, ...more] = query.targets
  return !(picked && only !== undefined && more.length === 0 && isPicked(only.expr))
}

/** Whether an aggregate is anywhere in it; one in a subquery is that query's. */
function aggregates(expr: Expr, facts: Facts): boolean {
  return isAggregate(expr, facts) || childrenOf(expr).some((part) => aggregates(part, facts))
}

function isAggregate(expr: Expr, facts: Facts): boolean {
  if (expr.kind !== 'call') return expr.kind === 'other' && /^(Json.*Agg|XmlExpr|GroupingFunc)/.test(expr.node)
  if (isBuiltIn(expr) && AGGREGATES.has(expr.name)) return true
  return facts.functionsNamed(expr.schema, expr.name).some((fn) => fn.kind === 'aggregate')
}

function isBuiltIn(call: Extract<Expr, { kind: 'call' }>): boolean {
  return call.schema === undefined || call.schema === 'pg_catalog'
}
