import { quoteIdentifier } from '../../catalog/names.ts'
import type { Decision } from '../../protect/change.ts'
import type { Tenancy } from '../../tenancy/facts.ts'
import { UPDATED } from './entry-decisions.ts'
import type { TenantFacts } from './init-plan.ts'

/** The decision about the table of tenants: requests of a tenant only read their own row there. */
export function readOnlyRoot(
  { table, schema, tableName, key, status, tier }: TenantFacts,
  { root }: Tenancy,
): Decision {
  const columns = root?.relation.columns ?? []
  const first =
    columns.find(({ name }) => name === 'name') ??
    columns.find(({ name, type }) => type === 'text' && ![key, status, tier].includes(name))
  const names = [...(first === undefined ? [] : [first]), ...columns.filter(({ name }) => UPDATED.test(name))]
  const list = names.map(({ name }) => quoteIdentifier(name)).join(', ') || 'column'
  return {
    object: `${schema}.${tableName}`,
    reason:
      'requests of a tenant may read its own row here, and neither change nor delete it. If requests must change it, grant UPDATE on the columns that they change, as below. For a tenant that deletes itself, see docs/guides/rename-and-delete.md of partywall',
    sql: `GRANT UPDATE (${list}) ON ${table} TO tenant_user, tenant_admin;`,
  }
}
