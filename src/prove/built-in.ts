import type { Expr } from '../sql/tree.ts'
import type { Facts } from '../tenancy/facts.ts'

/**
 * Whether a call means the server's own function: it says so, or nobody else has one of that name.
 *
 * What the server prints names every other function's schema, a body need not: there the path decides, and a path may
 * name pg_catalog last.
 */
export function isBuiltInCall(call: Extract<Expr, { kind: 'call' }>, facts: Facts): boolean {
  if (call.schema !== undefined) return call.schema === 'pg_catalog'
  return facts.functionsNamed(undefined, call.name).length === 0
}
