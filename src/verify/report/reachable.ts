import type { Facts } from '../../tenancy/facts.ts'
import type { TableVerdict } from '../finding/finding.ts'
import { callableDefiners, unheldQueries } from '../readings/definer-code.ts'
import { tenantSources } from '../rules/matview-exposed.ts'

/**
 * Whether the application can reach any tenant table: by a verb, through a view, or through a SECURITY DEFINER function. If not, the wrong
 * role was chosen or its grants are missing, and the run says nothing.
 */
export function isReachable(facts: Facts, tables: readonly TableVerdict[]): boolean {
  if (tables.some((table) => Object.values(table.verbs).some((verdict) => verdict !== 'no-access'))) return true
  const views = facts.relations.filter(({ kind }) => kind === 'view' || kind === 'materialized-view')
  if (views.some((view) => facts.reach(view, 'SELECT').length > 0 && tenantSources(facts, view).length > 0)) return true
  return [...callableDefiners(facts)].some((fn) => unheldQueries(facts, fn).length > 0)
}
