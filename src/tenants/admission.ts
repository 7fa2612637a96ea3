import type { TenantContext } from '../context/tenant-context.ts'
import { TenantInactiveError, TenantIsolationError } from '../errors.ts'
import type { SecurityEvents } from '../events/security-events.ts'
import { disagreement, type TenantHint } from './agreement.ts'
import { isActive, placementOf, type Tenant, type TenantDirectory } from './tenant.ts'

/** The part of a verified token that admission needs. */
export interface AdmittedToken {
  readonly tenantClaim: string
  readonly userId: string
  readonly roles: readonly string[]
  readonly permissions: readonly string[] | undefined
  readonly actor?: NonNullable<TenantContext['actor']>
  /** Milliseconds since 1970. Infinity: it does not expire. */
  readonly expiresAt?: number
}

/** The part of a token verifier that admission uses. */
export interface AdmissionVerifier<Token extends AdmittedToken> {
  verify(token: unknown, origin?: AdmissionOrigin): Promise<Token>
  /** Throws unless the user is still a member of the tenant. */
  authorize(token: Token, tenant: Pick<Tenant, 'id' | 'tier' | 'placement'>, origin?: AdmissionOrigin): Promise<void>
}

export interface AdmissionOrigin {
  readonly clientAddress?: string | undefined
  readonly requestId?: string | undefined
}

/** The input of admission from one request. */
export interface AdmissionRequest {
  readonly token: unknown
  readonly requestId: string
  readonly clientAddress?: string | undefined
  /** Other places of the request that name a tenant, such as a header. */
  readonly hints: readonly TenantHint[]
  /** Refuses requests of a tenant that is known to be over its limits, before directory and membership are asked. */
  readonly refuseBlocked?: boolean | undefined
}

/** Early refusals, which save further work. They never let a request pass. */
export interface EarlyRefusals {
  /** Returns the error if a tenant's requests are known to be refused; undefined if they are not. Does no I/O. */
  readonly blocked?: (asking: {
    readonly tenantId: string
    readonly tier: string
    readonly userId: string
  }) => Error | undefined
  /** Called for each token that failed verification. Returns the error to refuse with. */
  readonly failedToken?: (error: unknown, clientAddress: string | undefined) => unknown
}

/** Makes the context of a request from its token. */
export interface Admission {
  /**
   * Verifies the token, finds its tenant, compares the hints with it, and asks whether the user is still a member.
   *
   * @throws {AuthenticationError} `PARTYWALL_AUTHENTICATION` the token is not good
   * @throws {TenantInactiveError} `PARTYWALL_TENANT_INACTIVE` the tenant is unknown or suspended, or the user is not a member; the client
   *   gets the same answer in each case
   * @throws {TenantIsolationError} `PARTYWALL_TENANT_ISOLATION` a hint names another tenant; emits CROSS_TENANT_ACCESS_ATTEMPT
   * @throws {RateLimitExceededError} `PARTYWALL_RATE_LIMIT_EXCEEDED` the tenant is over its limits (only with `refuseBlocked`), or too many
   *   tokens of the client's address failed
   * @throws {DependencyUnavailableError} `PARTYWALL_DEPENDENCY_UNAVAILABLE` a dependency can't be asked now
   */
  admit(request: AdmissionRequest): Promise<TenantContext>
}

/** Options of {@link createAdmission}. */
export interface AdmissionOptions<Token extends AdmittedToken> extends EarlyRefusals {
  readonly verifier: AdmissionVerifier<Token>
  readonly directory: Pick<TenantDirectory, 'findByClaim'> & {
    /** Returns the last known tenant of the claim, without I/O. */
    peek?(claim: string): Tenant | undefined
  }
  readonly events: SecurityEvents
  /** Called with the context and the token from which it was made. */
  readonly onAdmitted?: ((context: TenantContext, token: Token) => void) | undefined
}

/** Combines token verifier and directory into admission, independent of the framework. */
export function createAdmission<Token extends AdmittedToken>(options: AdmissionOptions<Token>): Admission {
  const { verifier, directory, events, blocked, failedToken, onAdmitted } = options

  function refuse(
    reason: 'unknown' | 'suspended',
    token: AdmittedToken,
    tenant: Tenant | undefined,
    requestId: string,
  ) {
    events.emit({ type: 'TENANT_REFUSED', reason, tenantId: tenant?.id, userId: token.userId, requestId })
    // Use the same error for unknown and suspended tenants, so that a client can't find out which tenants exist.
    return new TenantInactiveError('The tenant of this token is unknown or suspended.', { details: { reason } })
  }

  /**
   * Returns the error for a tenant that is known to be blocked. An expired cache entry of the tenant is good enough for this. A request
   * whose hint names another tenant is not refused here, so that `admit` refuses and reports it.
   */
  function knownToBeBlocked(token: AdmittedToken, hints: readonly TenantHint[]): Error | undefined {
    const tenant = directory.peek?.(token.tenantClaim)
    if (!isActive(tenant)) return undefined
    if (hints.length > 0 && disagreement(hints, token.tenantClaim, tenant.id) !== undefined) return undefined
    return blocked?.({ tenantId: tenant.id, tier: tenant.tier, userId: token.userId })
  }

  return {
    async admit({ token: text, requestId, clientAddress, hints, refuseBlocked }) {
      const origin = { requestId, clientAddress }
      let token: Token
      try {
        token = await verifier.verify(text, origin)
      } catch (error) {
        throw failedToken === undefined ? error : failedToken(error, clientAddress)
      }
      const early = refuseBlocked === true ? knownToBeBlocked(token, hints) : undefined
      if (early !== undefined) throw early
      const tenant = await directory.findByClaim(token.tenantClaim)
      if (tenant === undefined) throw refuse('unknown', token, undefined, requestId)
      // Check this before the hints are compared. For an unknown tenant no hint can be compared, and an inactive tenant must get the same
      // answer as an unknown one.
      if (!isActive(tenant)) throw refuse('suspended', token, tenant, requestId)
      const { userId } = token
      const other = hints.length === 0 ? undefined : disagreement(hints, token.tenantClaim, tenant.id)
      if (other !== undefined) {
        events.emit({
          type: 'CROSS_TENANT_ACCESS_ATTEMPT',
          source: other.source,
          tenantId: tenant.id,
          userId,
          requestId,
          attemptedTenantId: other.value.slice(0, 128),
          reason: 'it names another tenant than the token',
        })
        throw new TenantIsolationError(`The ${other.source} names another tenant than the token.`, {
          details: { tenantId: tenant.id, source: other.source },
        })
      }
      await verifier.authorize(token, { id: tenant.id, tier: tenant.tier, ...placementOf(tenant) }, origin)
      const context = contextOf(token, tenant, requestId)
      onAdmitted?.(context, token)
      return context
    },
  }
}

function contextOf(token: AdmittedToken, tenant: Tenant, requestId: string): TenantContext {
  const { userId, roles, permissions, actor, expiresAt } = token
  return {
    tenantId: tenant.id,
    userId,
    roles,
    permissions,
    tier: tenant.tier,
    requestId,
    ...(actor === undefined ? {} : { actor }),
    ...(expiresAt === undefined || expiresAt === Number.POSITIVE_INFINITY ? {} : { expiresAt }),
    ...placementOf(tenant),
  }
}
