import { type Partywall, runWithTenant } from 'partywall'
import type { Tenant } from 'partywall/tenants'

/** Roles from the lowest to the highest. */
const RANKS = ['viewer', 'member', 'admin', 'owner']

/** The question that partywall asks for each request: the token's user and roles, and the tenant from the directory. */
interface Question {
  readonly userId: string
  readonly claims: Readonly<Record<string, unknown>>
  readonly tenant: Pick<Tenant, 'id' | 'placement'>
}

/**
 * An `authorize` hook: the user must still be in the tenant's table, with a role that is not lower than those of the token. A token stays
 * valid although the membership ended or the role was lowered after it was signed.
 */
export function stillMember(pool: () => Partywall['pool']): (question: Question) => Promise<boolean> {
  return async ({ userId, claims, tenant }) => {
    // The query runs in the tenant's context, so it does not find another tenant's user with the same id.
    const placement = tenant.placement ?? undefined
    const { rows } = await runWithTenant({ tenantId: tenant.id, userId, placement }, () =>
      pool().query('select role from users where id::text = $1', [userId]),
    )
    const now = RANKS.indexOf(String(rows[0]?.role))
    const roles = Array.isArray(claims['roles']) ? claims['roles'] : []
    return now >= 0 && roles.every((role) => RANKS.indexOf(String(role)) <= now)
  }
}
