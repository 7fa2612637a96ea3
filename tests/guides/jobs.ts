import type { Partywall } from 'partywall'

/** Reads the rows of all tenants. It can't write. */
export async function countDocuments(wall: Partywall): Promise<ReadonlyMap<string, number>> {
  return wall.runAcrossTenants({ actor: 'nightly-count', reason: 'documents per tenant, for billing' }, async () => {
    const { rows } = await wall.pool.query('select tenant_id, count(*)::int as n from documents group by tenant_id')
    return new Map(rows.map(({ tenant_id, n }) => [String(tenant_id), Number(n)]))
  })
}

/** Writes in each tenant's own context. An error in one tenant does not keep the others from running. */
export async function archiveOldDocuments(wall: Partywall) {
  const tenants = await wall.runAcrossTenants(
    { actor: 'nightly-archive', reason: 'which tenants are active' },
    async () => {
      const { rows } = await wall.pool.query("select id from tenants where status = 'active'")
      return rows.map(({ id }) => String(id))
    },
  )
  const result = await wall.forEachTenant(
    () => wall.pool.query(`update documents set body = '' where created_at < now() - interval '7 years'`),
    { tenants, userId: 'nightly-archive', concurrency: 4 },
  )
  for (const { tenantId, error } of result.failed) wall.logger.error({ tenantId, error }, 'nightly-archive failed')
  return result
}
