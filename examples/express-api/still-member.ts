import { type Partywall, runWithTenant } from 'partywall'

/** From the least to the most. */
const RANKS = ['viewer', 'member', 'admin', 'owner']

/** What partywall asks at each request: a user that a token speaks for, and the tenant of the directory. */
interface Question {
  readonly userId: string
  readonly claims: Readonly<Record<string, unknown>>
  readonly tenant: { readonly id: string }
}

/**
 * An `authorize` hook for the example: the user still stands in the tenant's own table, with a role no lower than those of the token.
 * A token outlives a membership that ended, and a role that was lowered, after it was signed.
 */
export function stillMember(pool: () => Partywall['pool']): (question: Question) => Promise<boolean> {
  return async ({ userId, claims, tenant }) => {
    // In the tenant's context: another tenant's user of that id does not exist here.
    const { rows } = await runWithTenant({ tenantId: tenant.id, userId }, () =>
      pool().query('select role from users where id::text = $1', [userId]),
    )
    const now = RANKS.indexOf(String(rows[0]?.role))
    const roles = Array.isArray(claims['roles']) ? claims['roles'] : []
    return now >= 0 && roles.every((role) => RANKS.indexOf(String(role)) <= now)
  }
}
