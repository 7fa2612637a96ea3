import type { DatabaseFunction } from '../../catalog/model.ts'
import type { Facts } from '../../tenancy/facts.ts'
import { calledBy } from '../readings/policy-functions.ts'

/** What a roll-back does not take back, or what leaves the database. */
const LASTING =
  /dblink|pg_read_|pg_write_|pg_ls_|lo_import|lo_export|\bcopy\b|pg_terminate|pg_cancel|pg_reload|pg_rotate|pg_sleep|http_|net\.|setval|pg_logical|pg_switch_wal/i

/** True when calling it leaves nothing that a roll-back would not take back, as far as its code can be read. */
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
