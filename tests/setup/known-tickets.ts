import { runWithTenant } from '../../src/context/run-with-tenant.ts'
import type { TenantPool } from '../../src/database/pool/create-tenant-pool.ts'

/** Waits until the pool has registered the tickets of these tenants, so that it sends nothing of its own any more. */
export async function untilTicketsKnown(
  pool: Pick<TenantPool, 'query'>,
  tenants: readonly { id: string }[],
): Promise<void> {
  const until = Date.now() + 10_000
  for (const { id } of tenants)
    for (;;) {
      const { rows } = await runWithTenant({ tenantId: id, userId: 'u' }, () =>
        pool.query('select tenant_id from partywall.ticket'),
      )
      if (rows[0]?.tenant_id === id) break
      if (Date.now() > until) throw new Error('the ticket was not registered')
      await new Promise((resolve) => setTimeout(resolve, 10))
    }
}
