import type { Catalog } from '../../catalog/catalog.ts'
import type { Queryable } from '../../catalog/model.ts'
import { quoteIdentifier } from '../../catalog/names.ts'
import type { Tenancy } from '../../tenancy/facts.ts'
import type { ByHand, TenantFacts } from './init-plan.ts'

/** The only status with which a tenant's requests are answered. */
const ACTIVE = 'active'
const MOST_VALUES = 20

/**
 * Tells which values of the tenants' status the written file refuses. All but `active` are refused, because a value that nobody looked at may
 * mean that the tenant has ended.
 *
 * @param wallPath the written file
 */
export async function refusedStatus(
  client: Queryable,
  catalog: Catalog,
  { root }: Tenancy,
  facts: TenantFacts,
  wallPath: string,
): Promise<readonly ByHand[]> {
  const { status, table, schema, tableName } = facts
  const column = root?.relation.columns.find(({ name }) => name === status)
  if (root === undefined || status === undefined || column === undefined) return []
  const labels = catalog.types.get(column.baseTypeOid)?.enumLabels ?? []
  const checked = root.relation.constraints
    .filter(({ kind, columns }) => kind === 'check' && columns.length === 1 && columns[0] === column.number)
    .flatMap(({ definition }) => [...definition.matchAll(/'((?:[^']|'')*)'/g)].map(([, text = '']) => text))
  const name = quoteIdentifier(status)
  const { rows } = await client.query<{ status: string }>(
    `select distinct ${name}::text as status from ${table} where ${name} is not null order by 1 limit ${MOST_VALUES}`,
  )
  const all = new Set([...labels, ...checked, ...rows.map((row) => row.status)])
  const refused = [...all].filter((value) => value !== ACTIVE)
  if (refused.length === 0) return []
  const list = refused.map((value) => `'${value}'`).join(', ')
  return [
    {
      path: wallPath,
      why: `requests of tenants whose status (${schema}.${tableName}.${status}) is ${list} get 403 PARTYWALL_TENANT_INACTIVE: only '${ACTIVE}' is let in. If your application lets in others, such as a trial, name them in the query of findByClaim. Name no value that means suspended, ended or deleted`,
      lines: [
        `case when ${name}::text in ('${ACTIVE}', '…') then '${ACTIVE}' else ${name}::text end as status   -- in place of ${name}::text as status`,
      ],
    },
  ]
}
