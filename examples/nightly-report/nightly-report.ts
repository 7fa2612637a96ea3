import type { Partywall } from 'partywall'

/**
 * Counts the documents of each tenant. It reads all tenants on purpose; a row in partywall.crossings records this before the first read.
 */
export function nightlyReport(wall: Partywall): Promise<Map<string, number>> {
  return wall.runAcrossTenants({ actor: 'nightly-report', reason: 'count documents of all tenants' }, async () => {
    const { rows } = await wall.pool.query('select tenant_id, count(*)::int as n from documents group by tenant_id')
    return new Map(rows.map((row) => [String(row.tenant_id), Number(row.n)]))
  })
}
