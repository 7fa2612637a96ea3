import type { DatabaseFunction } from '../../catalog/model.ts'
import type { Facts } from '../../tenancy/facts.ts'
import { calledBy } from '../readings/policy-functions.ts'

/** Calls whose effect a rollback does not undo, or that reach outside of the database. */
const LASTING =
  /dblink|pg_read_|pg_write_|pg_ls_|lo_import|lo_export|\bcopy\b|pg_terminate|pg_cancel|pg_reload|pg_rotate|pg_sleep|http_|net\.|setval|pg_logical|pg_switch_wal/i

/**
 * Whether a rollback undoes everything that a call of the function does, as far as its code and the code of the functions that it calls can
 * be read.
 */
export function isHarmless(facts: Facts, fn: DatabaseFunction): boolean {
  const seen = new Set<DatabaseFunction>()
  const visit = (each: DatabaseFunction): boolean => {
    if (seen.has(each)) return true
    seen.add(each)
    if (each.language !== 'sql' && each.language !== 'plpgsql') return false
    if (LASTING.test(each.source) || LASTING.test(each.atomicBody ?? '')) return false
    return calledBy(facts, each).every(visit)
  }
  return (fn.kind === 'function' || fn.kind === 'procedure') && visit(fn)
}
