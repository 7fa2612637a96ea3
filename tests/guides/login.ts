import { createHash, randomBytes, scrypt, timingSafeEqual } from 'node:crypto'
import { promisify } from 'node:util'
import type { Partywall, PartywallConfig } from 'partywall'
import type { Pool } from 'pg'

const derive = promisify<string, Buffer, number, Buffer>(scrypt)
const hashOf = (token: string) => createHash('sha256').update(token).digest()
const NOBODY = { password_salt: Buffer.alloc(16), password_hash: Buffer.alloc(32) }

/** Returns a session's token, or undefined. An unknown address costs as much time as a wrong password. */
export async function signIn(entryPool: Pool, company: string, email: string, password: string) {
  const { rows } = await entryPool.query(
    `select u.tenant_id, u.id, u.password_salt, u.password_hash
       from users u join tenants t on t.id = u.tenant_id
      where t.key = $1 and t.status = 'active' and u.email = $2 and u.password_hash is not null`,
    [company, email],
  )
  const user = rows[0] ?? NOBODY
  const given = await derive(password, user.password_salt, 32)
  if (!timingSafeEqual(given, user.password_hash) || user === NOBODY) return undefined
  const token = randomBytes(32).toString('base64url')
  await entryPool.query('insert into sessions (token_hash, tenant_id, user_id) values ($1, $2, $3)', [
    hashOf(token),
    user.tenant_id,
    user.id,
  ])
  return token
}

/** `createPartywall({ auth: sessionAuth(entryPool), … })`: finds the tenant of a request by its session. */
export function sessionAuth(entryPool: Pool): PartywallConfig['auth'] {
  return {
    async verify(token) {
      const { rows } = await entryPool.query(
        `select s.id, s.user_id, s.ends_at, t.key, u.role
           from sessions s
           join tenants t on t.id = s.tenant_id
           join users u on u.tenant_id = s.tenant_id and u.id = s.user_id
          where s.token_hash = $1 and s.ends_at > now()`,
        [hashOf(token)],
      )
      const [session] = rows
      if (session === undefined) return undefined
      return {
        tenant: session.key,
        userId: session.user_id,
        roles: [session.role],
        credentialId: session.id,
        expiresAt: session.ends_at,
      }
    },
  }
}

/** Ends a session in all processes, also for requests that are running. */
export async function signOut(wall: Partywall, entryPool: Pool, token: string) {
  const { rows } = await entryPool.query('delete from sessions where token_hash = $1 returning id', [hashOf(token)])
  for (const { id } of rows) await wall.revokeToken(id)
}
