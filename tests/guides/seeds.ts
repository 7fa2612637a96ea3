import type { Partywall } from 'partywall'

/** Both tenants get the same contents. A test with one tenant, or with different contents, can't notice a leak. */
export async function seed(wall: Partywall, tenants: Iterable<string>, documents = 1_000): Promise<void> {
  const { failed, skipped } = await wall.forEachTenant(
    async () => {
      await wall.pool.query(`insert into projects (name) values ('Launch') on conflict (tenant_id, name) do nothing`)
      await wall.pool.copyInto(
        'documents',
        Array.from({ length: documents }, (_, index) => ({ title: `Document ${index}`, body: 'Lorem ipsum' })),
      )
    },
    { tenants, userId: 'seed' },
  )
  for (const { error } of failed) throw error
  if (skipped.length > 0) throw new Error(`These tenants are unknown or not active: ${skipped.join(', ')}`)
}
