import { ClosedError, isPartywallError } from '../errors.ts'
import type { SecurityEvents } from '../events/security-events.ts'
import type { Logger } from '../logger/logger.ts'
import { type Authorize, type MembershipTenant, requireMembership } from './membership.ts'
import { isAttack, TokenRefusedError } from './refusal.ts'
import { Revocations } from './revocations.ts'
import type { RawClaims } from './strict-json.ts'
import type { CacheEntry, TokenCache } from './token-cache.ts'
import type { VerifiedToken } from './verified-token.ts'

/** Origin of a token, for events about its refusal. */
export interface TokenOrigin {
  readonly clientAddress?: string | undefined
  readonly requestId?: string | undefined
}

/** Verifies tokens of the issuers for which it was made. Its functions are bound to it, so that callers can pass them as callbacks. */
export interface TokenVerifier<Claims = RawClaims> {
  /**
   * Verifies a token, or returns it from the cache if it was verified recently.
   *
   * @throws {AuthenticationError} `PARTYWALL_AUTHENTICATION`; `details.reason` says why, never with a value of the token
   * @throws {DependencyUnavailableError} `PARTYWALL_DEPENDENCY_UNAVAILABLE` the keys can't be fetched, so the token can't be judged
   * @throws {ClosedError} `PARTYWALL_CLOSED`
   */
  readonly verifyToken: (token: unknown, origin?: TokenOrigin) => Promise<VerifiedToken<Claims>>
  /** Another name of `verifyToken`. */
  readonly verify: (token: unknown, origin?: TokenOrigin) => Promise<VerifiedToken<Claims>>
  /** Looks only into the cache. Undefined means that the token is not cached; it may still be valid. */
  readonly peekCached: (token: unknown) => VerifiedToken<Claims> | undefined
  /**
   * Asks the `authorize` option whether the user is still a member of the tenant that the directory found. Without the option it resolves
   * at once. Call this for each request: the call also tells the cache which tenant id belongs to the claim.
   *
   * @throws {TenantInactiveError} `PARTYWALL_TENANT_INACTIVE`
   * @throws {DependencyUnavailableError} `PARTYWALL_DEPENDENCY_UNAVAILABLE`
   */
  // A method, so that a verifier with typed claims is also a `TokenVerifier<unknown>`.
  authorize(token: VerifiedToken<Claims>, tenant: MembershipTenant, origin?: TokenOrigin): Promise<void>
  /**
   * Drops the cached tokens of one tenant. A token of the tenant that is being verified now is not cached either.
   *
   * @param claimOrId the raw claim, or the directory's id that was passed to `authorize`
   */
  readonly invalidateTenant: (claimOrId: string) => void
  /** Refuses the token with this `jti` from now on, in this process. `wall.revokeToken` refuses it in all processes. */
  readonly revoke: (tokenId: string) => void
  /** How long a revocation must be kept, in milliseconds: the longest lifetime of a token. */
  readonly keepRevokedMs: number
  /** Resolves when the keys of all issuers are usable. @throws {DependencyUnavailableError} names the issuers whose keys are not */
  readonly ready: () => Promise<void>
  /** Refuses further tokens, ends timers and requests. Idempotent. */
  readonly close: () => void
}

/** Called with the issuer as soon as it is known, so that a later refusal can name it. */
type OnIssuer = (issuer: string) => void

/** The parts of a verifier that depend on the kind of its tokens. */
interface CredentialKind<Claims> {
  /** Refuses a text that can't be a token, before anything is looked up. */
  readonly requireText: (token: unknown) => asserts token is string
  /**
   * Judges a token that is not cached.
   *
   * @throws {TokenRefusedError} the token is not good
   * @throws {DependencyUnavailableError} the token can't be judged now
   */
  readonly judge: (token: string, onIssuer: OnIssuer, origin: TokenOrigin) => Promise<CacheEntry<VerifiedToken<Claims>>>
  readonly ready: () => Promise<void>
  readonly close: () => void
}

/** Settings that all kinds of verifiers share. Defaults are filled in. */
interface CredentialSettings<Claims> {
  readonly cache: TokenCache<VerifiedToken<Claims>>
  readonly maxBytes: number
  readonly authorize: Authorize<Claims> | undefined
  readonly authorizeTimeoutMs: number | undefined
  /** How long the ids of revoked tokens are kept. */
  readonly keepRevokedMs: number
  readonly now: () => number
  readonly events: SecurityEvents | undefined
  readonly logger: Logger
}

/** Asks whether a verified token was revoked by any process. */
export interface RevocationCheck {
  /** Resolves when the list is known. @throws {DependencyUnavailableError} it can't be read now */
  ready(): Promise<void> | undefined
  has(token: Pick<VerifiedToken<unknown>, 'tokenId' | 'userId' | 'issuedAt'>): boolean
}

/** Cache, revocations, membership and events of a verifier. All kinds of tokens share them. */
export class CredentialVerifier<Claims> implements TokenVerifier<Claims> {
  readonly #kind: CredentialKind<Claims>
  readonly #settings: CredentialSettings<Claims>
  readonly #revocations: Revocations
  readonly #everywhere: RevocationCheck | undefined
  readonly keepRevokedMs: number
  #closed = false

  constructor(kind: CredentialKind<Claims>, settings: CredentialSettings<Claims>, everywhere?: RevocationCheck) {
    this.#kind = kind
    this.#settings = settings
    this.#everywhere = everywhere
    this.keepRevokedMs = settings.keepRevokedMs
    this.#revocations = new Revocations(settings.keepRevokedMs, settings.now)
  }

  readonly peekCached = (token: unknown): VerifiedToken<Claims> | undefined => {
    const { cache, maxBytes } = this.#settings
    if (this.#closed || typeof token !== 'string' || token.length > maxBytes) return undefined
    const value = cache.get(cache.keyOf(token))?.value
    return value === undefined || this.#everywhere?.has(value) === true ? undefined : value
  }

  readonly verifyToken = async (token: unknown, origin: TokenOrigin = {}): Promise<VerifiedToken<Claims>> => {
    if (this.#closed) throw new ClosedError('The token verifier is closed.')
    let issuer: string | undefined
    try {
      this.#kind.requireText(token)
      const known = this.#everywhere?.ready()
      if (known !== undefined) await known
      const { value } = await this.#entryOf(token, origin, (name) => {
        issuer = name
      })
      if (this.#everywhere?.has(value) === true) throw new TokenRefusedError('revoked')
      return value
    } catch (error) {
      throw this.#refusal(error, issuer, origin)
    }
  }

  readonly verify = this.verifyToken

  async #entryOf(token: string, origin: TokenOrigin, onIssuer: OnIssuer): Promise<CacheEntry<VerifiedToken<Claims>>> {
    const { cache } = this.#settings
    const key = cache.keyOf(token)
    const hit = cache.get(key)
    if (hit !== undefined) return hit
    const { generation } = cache
    const entry = await this.#kind.judge(token, onIssuer, origin)
    if (this.#revocations.has(entry.tokenId)) throw new TokenRefusedError('revoked')
    cache.set(key, entry, generation)
    return entry
  }

  #refusal(error: unknown, issuer: string | undefined, origin: TokenOrigin): unknown {
    if (error instanceof TokenRefusedError) {
      this.#report(error, issuer, origin)
      return error
    }
    if (isPartywallError(error)) return error
    // Any other error: refuse the token. The error may quote the token, so do not set it as cause, and log only its name.
    const name = error instanceof Error ? error.name : typeof error
    this.#settings.logger.error({ error: name, issuer }, 'a token was refused because verifying it failed unexpectedly')
    const refused = new TokenRefusedError('malformed')
    this.#report(refused, issuer, origin)
    return refused
  }

  #report({ reason, claim, fact }: TokenRefusedError, issuer: string | undefined, origin: TokenOrigin): void {
    const told = {
      reason,
      ...(claim === undefined ? {} : { claim }),
      ...(fact === undefined ? {} : { fact }),
      ...origin,
    }
    const { events } = this.#settings
    if (isAttack(reason)) events?.emit({ type: 'TOKEN_ATTACK', issuer, ...told })
    else events?.emit({ type: 'AUTHENTICATION_FAILED', ...told })
  }

  readonly authorize = async (
    token: VerifiedToken<Claims>,
    tenant: MembershipTenant,
    origin: TokenOrigin = {},
  ): Promise<void> => {
    const { cache, authorize, authorizeTimeoutMs, events } = this.#settings
    cache.nameTenant(token.tenantClaim, tenant.id)
    if (authorize === undefined) return
    const { userId, issuer, claims } = token
    try {
      await requireMembership(authorize, { userId, issuer, claims, tenant }, authorizeTimeoutMs)
    } catch (error) {
      if (isPartywallError(error) && error.code === 'PARTYWALL_TENANT_INACTIVE') {
        const { requestId } = origin
        events?.emit({ type: 'TENANT_REFUSED', reason: 'not-a-member', tenantId: tenant.id, userId, requestId })
      }
      throw error
    }
  }

  readonly invalidateTenant = (claimOrId: string): void => this.#settings.cache.dropTenant(claimOrId)

  readonly revoke = (tokenId: string): void => {
    this.#revocations.add(tokenId)
    this.#settings.cache.dropTokenId(tokenId)
  }

  readonly ready = (): Promise<void> => this.#kind.ready()

  readonly close = (): void => {
    this.#closed = true
    this.#settings.cache.clear()
    this.#kind.close()
  }
}

/** Freezes claims. Requests share the cached value, so a change by one request would be seen by others. */
export function deepFreeze<T>(value: T): T {
  if (typeof value !== 'object' || value === null || Object.isFrozen(value)) return value
  Object.freeze(value)
  for (const item of Object.values(value)) deepFreeze(item)
  return value
}
