import { ClosedError, DependencyUnavailableError, isPartywallError } from '../errors.ts'
import { createDefaultLogger } from '../logger/logger.ts'
import { buildIssuer, type Issuer } from './issuer.ts'
import { type Authorize, type MembershipTenant, requireMembership } from './membership.ts'
import type { TokenVerifierOptions, TypedClaims } from './options.ts'
import type { ParsedOptions } from './options-schema.ts'
import { parseVerifierOptions } from './parse-verifier-options.ts'
import { isAttack, TokenRefusedError } from './refusal.ts'
import { Revocations } from './revocations.ts'
import type { RawClaims } from './strict-json.ts'
import { requireTokenText } from './strict-token.ts'
import { type CacheEntry, TokenCache } from './token-cache.ts'
import type { VerifiedToken } from './verified-token.ts'
import { type JudgedToken, judgeToken } from './verify-token.ts'

/** Origin of a token, for events about its refusal. */
export interface TokenOrigin {
  readonly clientAddress?: string | undefined
  readonly requestId?: string | undefined
}

/** Verifies tokens of the issuers it was made for. Its functions are bound, so that callers may pass them on. */
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
  /** Looks only into the cache. Undefined means only that the token is not cached. */
  readonly peekCached: (token: unknown) => VerifiedToken<Claims> | undefined
  /**
   * Asks the `authorize` option whether the user is still a member of the tenant that the directory found; without the option it resolves.
   * Call this for each request: the call also tells the cache which tenant id belongs to the claim.
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
  /** Refuses the token with this `jti` from now on, in this process. */
  readonly revoke: (tokenId: string) => void
  /** Resolves when the keys of all issuers are usable. @throws {DependencyUnavailableError} names those that are not */
  readonly ready: () => Promise<void>
  /** Refuses further tokens, ends timers and requests. Idempotent. */
  readonly close: () => void
}

/**
 * Makes a verifier of access tokens (compact JWS). Synchronous; opens nothing: remote keys are fetched at first use.
 *
 * @example
 * const verifier = createTokenVerifier({
 *   issuer: 'https://idp.example',
 *   keys: { jwksUrl: 'https://idp.example/.well-known/jwks.json' },
 *   algorithms: ['ES256'],
 *   audience: 'https://api.example',
 *   tenantClaims: { tenant: 'org_id', roles: 'roles' },
 * })
 * const { tenantClaim, userId } = await verifier.verifyToken(token)
 *
 * @throws {ConfigurationError} `PARTYWALL_CONFIGURATION` with all problems at once
 * @see RFC 8725 JSON Web Token Best Current Practices; docs/auth.md says how partywall follows each of its rules
 */
export function createTokenVerifier<Claims>(options: TypedOptions<Claims>): TokenVerifier<Claims>
export function createTokenVerifier(options: UntypedOptions): TokenVerifier
export function createTokenVerifier<Claims>(
  options: TypedOptions<Claims> | UntypedOptions,
): TokenVerifier<Claims> | TokenVerifier {
  const parsed = parseVerifierOptions(options)
  return options.claims === undefined
    ? buildVerifier(parsed, options.authorize, (raw) => raw)
    : buildVerifier(parsed, options.authorize, options.claims)
}

type TypedOptions<Claims> = TokenVerifierOptions<Claims> & TypedClaims<Claims>
type UntypedOptions = TokenVerifierOptions & { readonly claims?: undefined }

function buildVerifier<Claims>(
  parsed: ParsedOptions,
  authorize: Authorize<Claims> | undefined,
  readClaims: (raw: RawClaims) => Claims,
): TokenVerifier<Claims> {
  const { events, now = Date.now, logger = createDefaultLogger(), maxTokenBytes = 8_192, keyRefresh = {} } = parsed
  const toleranceSeconds = parsed.clockToleranceSeconds ?? 5
  const cache = new TokenCache<VerifiedToken<Claims>>({
    maxEntries: parsed.cache?.maxEntries ?? 10_000,
    ttlMs: parsed.cache?.ttlMs ?? 60_000,
    toleranceMs: toleranceSeconds * 1000,
    now,
  })
  const surroundings = {
    now,
    logger,
    events,
    times: {
      refreshMs: keyRefresh.refreshMs ?? 300_000,
      maxStaleMs: keyRefresh.maxStaleMs ?? 86_400_000,
      unknownKeyCooldownMs: keyRefresh.unknownKeyCooldownMs ?? 30_000,
      timeoutMs: keyRefresh.timeoutMs ?? 5_000,
      retryMs: keyRefresh.retryMs ?? 1_000,
    },
    onKeysWithdrawn: (issuer: string) => cache.dropIssuer(issuer),
  }
  const issuers = new Map<string, Issuer>(
    Object.entries(parsed.issuers).map(([name, options]) => [name, buildIssuer(name, options, surroundings)]),
  )
  const longestLife = Math.max(...[...issuers.values()].map((issuer) => issuer.maxLifetimeSeconds))
  const revocations = new Revocations((longestLife + 2 * toleranceSeconds) * 1000, now)
  let closed = false

  function peekCached(token: unknown): VerifiedToken<Claims> | undefined {
    if (closed || typeof token !== 'string' || token.length > maxTokenBytes) return undefined
    return cache.get(cache.keyOf(token))?.value
  }

  async function verify(token: unknown, origin: TokenOrigin = {}): Promise<VerifiedToken<Claims>> {
    if (closed) throw new ClosedError('The token verifier is closed.')
    let issuer: string | undefined
    try {
      requireTokenText(token, maxTokenBytes)
      const key = cache.keyOf(token)
      const hit = cache.get(key)
      if (hit !== undefined) return hit.value
      const generation = cache.generation
      const onIssuer = (name: string) => {
        issuer = name
      }
      const judged = await judgeToken(token, { issuers, toleranceSeconds, now, onIssuer })
      if (revocations.has(judged.tokenId)) throw new TokenRefusedError('revoked')
      const entry = toEntry(judged, readClaims)
      cache.set(key, entry, generation)
      return entry.value
    } catch (error) {
      throw refusal(error, issuer, origin)
    }
  }

  function refusal(error: unknown, issuer: string | undefined, origin: TokenOrigin): unknown {
    if (error instanceof TokenRefusedError) {
      report(error, issuer, origin)
      return error
    }
    if (isPartywallError(error)) return error
    // Any other error: refuse the token. The error may quote the token, so do not set it as cause, and log only its name.
    const name = error instanceof Error ? error.name : typeof error
    logger.error({ error: name, issuer }, 'a token was refused because verifying it failed unexpectedly')
    const refused = new TokenRefusedError('malformed')
    report(refused, issuer, origin)
    return refused
  }

  function report({ reason, claim, fact }: TokenRefusedError, issuer: string | undefined, origin: TokenOrigin): void {
    const told = {
      reason,
      ...(claim === undefined ? {} : { claim }),
      ...(fact === undefined ? {} : { fact }),
      ...origin,
    }
    if (isAttack(reason)) events?.emit({ type: 'TOKEN_ATTACK', issuer, ...told })
    else events?.emit({ type: 'AUTHENTICATION_FAILED', ...told })
  }

  return {
    verify,
    verifyToken: verify,
    peekCached,
    async authorize(token, tenant, origin = {}) {
      cache.nameTenant(token.tenantClaim, tenant.id)
      if (authorize === undefined) return
      const { userId, issuer, claims } = token
      try {
        await requireMembership(authorize, { userId, issuer, claims, tenant }, parsed.authorizeTimeoutMs)
      } catch (error) {
        if (isPartywallError(error) && error.code === 'PARTYWALL_TENANT_INACTIVE') {
          const { requestId } = origin
          events?.emit({ type: 'TENANT_REFUSED', reason: 'not-a-member', tenantId: tenant.id, userId, requestId })
        }
        throw error
      }
    },
    invalidateTenant: (claimOrId) => cache.dropTenant(claimOrId),
    revoke(tokenId) {
      revocations.add(tokenId)
      cache.dropTokenId(tokenId)
    },
    async ready() {
      const results = await Promise.allSettled([...issuers.values()].map((issuer) => issuer.keys.ready()))
      const problems = [...issuers.keys()].filter((_, index) => results[index]?.status === 'rejected')
      if (problems.length === 0) return
      throw new DependencyUnavailableError(`The keys of these issuers cannot be fetched: ${problems.join(', ')}.`, {
        cause: results.find((result) => result.status === 'rejected')?.reason,
        details: { dependency: 'token keys', problems },
      })
    },
    close() {
      closed = true
      cache.clear()
      for (const issuer of issuers.values()) issuer.keys.close()
    },
  }
}

function toEntry<Claims>(
  judged: JudgedToken,
  readClaims: (raw: RawClaims) => Claims,
): CacheEntry<VerifiedToken<Claims>> {
  const { issuer, identity, tokenId, expiresAtMs, notBeforeMs } = judged
  let claims: Claims
  try {
    claims = readClaims(judged.claims)
  } catch {
    // Do not set `cause`: a validator's error, such as zod's, quotes claim values.
    throw new TokenRefusedError('claim-invalid', 'claims')
  }
  const value = Object.freeze({
    issuer: issuer.name,
    ...identity,
    ...(tokenId === undefined ? {} : { tokenId }),
    expiresAt: expiresAtMs,
    claims: deepFreeze(claims),
  })
  return { value, issuer: issuer.name, tenantClaim: identity.tenantClaim, tokenId, notBeforeMs, expiresAtMs }
}

/** Freezes claims. Requests share the cached value, so a change by one request would be seen by others. */
function deepFreeze<T>(value: T): T {
  if (typeof value !== 'object' || value === null || Object.isFrozen(value)) return value
  Object.freeze(value)
  for (const item of Object.values(value)) deepFreeze(item)
  return value
}
