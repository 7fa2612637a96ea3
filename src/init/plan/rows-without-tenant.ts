import type { Relation } from '../../catalog/model.ts'
import type { Decision } from '../../protect/change.ts'
import { NO_TENANT_SEES } from '../../protect/changes/tenant-column.ts'

/**
 * Completes the decisions about rows without a tenant in tables that the entry login reads: no tenant sees such rows, but sign-in does.
 *
 * @param given the tables that the entry login reads
 * @param login the entry login
 */
export function rowsWithoutTenant(
  decisions: readonly Decision[],
  given: readonly Relation[],
  login: string,
): readonly Decision[] {
  const labels = new Set(given.map(({ label }) => label))
  const more = `${NO_TENANT_SEES} ${login} still reads them, so users without a tenant can still sign in. Users above all tenants, such as super admins, need a sign-in and a login of their own: docs/guides/admin-panel.md of partywall.`
  return decisions.map((decision) =>
    labels.has(decision.object) ? { ...decision, reason: decision.reason.replace(NO_TENANT_SEES, more) } : decision,
  )
}
