import { ConflictError, type Partywall, runWithTenant } from 'partywall'
import type { Pool } from 'pg'

export interface SignUp {
  readonly key: string
  readonly company: string
  readonly email: string
  readonly name: string
}

/** Makes a tenant and its first user, both or neither, and then the tenant's first rows. */
export async function signUp(wall: Partywall, entryPool: Pool, { key, company, email, name }: SignUp) {
  const { rows } = await entryPool
    .query(
      `with tenant as (insert into tenants (key, name) values ($1, $2) returning id)
       insert into users (tenant_id, email, name, role) select id, $3, $4, 'owner' from tenant returning tenant_id, id`,
      [key, company, email, name],
    )
    .catch((error: { readonly code?: string }) => {
      if (error.code === '23505') throw new ConflictError('This name is taken. Choose another one.')
      throw error
    })
  const [{ tenant_id: tenantId, id: userId }] = rows
  // From here on the tenant exists, so its own rows are written in its own context, as a request would write them.
  await runWithTenant({ tenantId, userId, roles: ['owner'] }, () =>
    wall.pool.query('insert into projects (name, owner_id) values ($1, $2)', ['First project', userId]),
  )
  return { tenantId, userId }
}
