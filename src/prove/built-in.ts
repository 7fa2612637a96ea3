import type { Expr } from '../sql/tree.ts'
import type { Facts } from '../tenancy/facts.ts'

/**
 * Whether a call means a function of pg_catalog: it names that schema, or no function of the user's has the name.
 *
 * In a policy that the server printed, every function outside pg_catalog has its schema. In a function's body it may have no schema: there
 * search_path decides which function is meant, and pg_catalog may be last in it.
 */
export function isBuiltInCall(call: Extract<Expr, { kind: 'call' }>, facts: Facts): boolean {
  if (call.schema !== undefined) return call.schema === 'pg_catalog'
  return facts.functionsNamed(undefined, call.name).length === 0
}
