import { createHash, randomBytes } from 'node:crypto'
import { ConflictError, NotFoundError, type Partywall } from 'partywall'
import type { Pool } from 'pg'

const hashOf = (token: string) => createHash('sha256').update(token).digest()

/** In a request of an owner or admin. Mail the token to the address; the database keeps its hash only. */
export async function invite(wall: Partywall, email: string, role: 'admin' | 'member' | 'viewer'): Promise<string> {
  const token = randomBytes(32).toString('base64url')
  const { rowCount } = await wall.pool.query(
    'insert into invitations (email, role, token_hash) values ($1, $2, $3) on conflict do nothing',
    [email, role, hashOf(token)],
  )
  if (rowCount === 0) throw new ConflictError('This address is invited already.')
  return token
}

/** Before there is a tenant: the token decides the tenant, the address and the role. It can be used once. */
export async function acceptInvitation(entryPool: Pool, token: string, name: string) {
  const { rows } = await entryPool.query(
    `with invitation as (delete from invitations where token_hash = $1 returning tenant_id, email, role)
     insert into users (tenant_id, email, name, role) select tenant_id, email, $2, role from invitation
     returning tenant_id, id`,
    [hashOf(token), name],
  )
  const [user] = rows
  if (user === undefined) throw new NotFoundError('This invitation does not exist any more.')
  return { tenantId: String(user.tenant_id), userId: String(user.id) }
}

/** In a request of an owner or admin. The member's running requests end, in all processes. */
export async function removeMember(wall: Partywall, userId: string): Promise<void> {
  const { rowCount } = await wall.pool.query("delete from users where id = $1 and role <> 'owner'", [userId])
  if (rowCount === 0) throw new NotFoundError('There is no such member.')
  await wall.revokeUser(userId)
}
