import type { Placement } from '../context/placement.ts'
import { DependencyUnavailableError, isPartywallError, TenantInactiveError } from '../errors.ts'
import type { RawClaims } from './strict-json.ts'
import { withinTime } from './within-time.ts'

/** The tenant that the directory found, as far as a membership question needs it. */
export interface MembershipTenant {
  readonly id: string
  readonly tier?: string | undefined
  /**
   * The schema of the tenant's own tables. A hook that queries these tables opens its context with this value. Undefined or null: the
   * shared tables.
   */
  readonly placement?: Placement | null | undefined
}

/** The question to an `authorize` hook: a verified user, and the tenant of the directory. */
export interface MembershipQuestion<Claims = RawClaims> {
  readonly userId: string
  readonly issuer: string
  readonly claims: Claims
  readonly tenant: MembershipTenant
}

/**
 * Says whether the user is still a member of the tenant. The token may have been signed before the membership ended.
 *
 * Only `true` lets the request pass. Any other answer, an error, and no answer in time refuse it.
 */
export type Authorize<Claims = RawClaims> = (question: MembershipQuestion<Claims>) => boolean | Promise<boolean>

/**
 * Asks an `authorize` hook, and refuses each answer except `true`. It caches no answer.
 *
 * @throws {TenantInactiveError} `PARTYWALL_TENANT_INACTIVE` no longer a member; the client gets the same answer as for a suspended tenant
 * @throws {DependencyUnavailableError} `PARTYWALL_DEPENDENCY_UNAVAILABLE` the hook threw or gave no answer in time
 */
export async function requireMembership<Claims>(
  authorize: Authorize<Claims>,
  question: MembershipQuestion<Claims>,
  timeoutMs = 5_000,
): Promise<void> {
  let answer: unknown
  try {
    answer = await withinTime(
      async () => authorize(question),
      timeoutMs,
      () => unavailable('gave no answer in time'),
    )
  } catch (error) {
    if (isPartywallError(error)) throw error
    throw unavailable('threw', error)
  }
  if (answer === true) return
  throw new TenantInactiveError('The user is not a member of the tenant.', { details: { reason: 'not-a-member' } })
}

function unavailable(what: string, cause?: unknown): DependencyUnavailableError {
  return new DependencyUnavailableError(`The authorize hook ${what}.`, { cause, details: { dependency: 'authorize' } })
}
