import { DependencyUnavailableError } from '../errors.ts'
import { createDefaultLogger } from '../logger/logger.ts'
import { CredentialVerifier, deepFreeze, type RevocationCheck, type TokenVerifier } from './credential-verifier.ts'
import type { Issuer } from './issuer.ts'
import { buildIssuers } from './issuers.ts'
import type { Authorize } from './membership.ts'
import type { TokenVerifierOptions, TypedClaims } from './options.ts'
import type { ParsedOptions } from './options-schema.ts'
import { parseVerifierOptions } from './parse-verifier-options.ts'
import { TokenRefusedError } from './refusal.ts'
import type { RawClaims } from './strict-json.ts'
import { requireTokenText } from './strict-token.ts'
import { type CacheEntry, TokenCache } from './token-cache.ts'
import type { VerifiedToken } from './verified-token.ts'
import { type JudgedToken, judgeToken } from './verify-token.ts'

/**
 * Makes a verifier of access tokens (compact JWS). Is synchronous and opens no connection: remote keys are fetched at first use.
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
  return options.claims === undefined ? makeTokenVerifier(options) : makeTokenVerifier(options)
}

/** Like {@link createTokenVerifier}, for a wall: the verifier also refuses tokens that another process revoked. */
export function makeTokenVerifier<Claims>(
  options: TypedOptions<Claims>,
  revoked?: RevocationCheck,
): TokenVerifier<Claims>
export function makeTokenVerifier(options: UntypedOptions, revoked?: RevocationCheck): TokenVerifier
export function makeTokenVerifier<Claims>(
  options: TypedOptions<Claims> | UntypedOptions,
  revoked?: RevocationCheck,
): TokenVerifier<Claims> | TokenVerifier {
  const parsed = parseVerifierOptions(options)
  return options.claims === undefined
    ? buildVerifier(parsed, options.authorize, (raw) => raw, revoked)
    : buildVerifier(parsed, options.authorize, options.claims, revoked)
}

type TypedOptions<Claims> = TokenVerifierOptions<Claims> & TypedClaims<Claims>
type UntypedOptions = TokenVerifierOptions & { readonly claims?: undefined }

function buildVerifier<Claims>(
  parsed: ParsedOptions,
  authorize: Authorize<Claims> | undefined,
  readClaims: (raw: RawClaims) => Claims,
  revoked: RevocationCheck | undefined,
): TokenVerifier<Claims> {
  const { events, now = Date.now, logger = createDefaultLogger(), maxTokenBytes = 8_192 } = parsed
  const toleranceSeconds = parsed.clockToleranceSeconds ?? 5
  const cache = new TokenCache<VerifiedToken<Claims>>({
    maxEntries: parsed.cache?.maxEntries ?? 10_000,
    ttlMs: parsed.cache?.ttlMs ?? 60_000,
    toleranceMs: toleranceSeconds * 1000,
    now,
  })
  const issuers = buildIssuers(parsed, { now, logger, events, onKeysWithdrawn: (name) => cache.dropIssuer(name) })
  const longestLife = Math.max(...[...issuers.values()].map((issuer) => issuer.maxLifetimeSeconds))
  return new CredentialVerifier(
    {
      requireText: (token) => requireTokenText(token, maxTokenBytes),
      async judge(token, onIssuer) {
        return toEntry(await judgeToken(token, { issuers, toleranceSeconds, now, onIssuer }), readClaims)
      },
      ready: () => keysReady(issuers),
      close() {
        for (const issuer of issuers.values()) issuer.keys.close()
      },
    },
    {
      cache,
      maxBytes: maxTokenBytes,
      authorize,
      authorizeTimeoutMs: parsed.authorizeTimeoutMs,
      // After that time every token that was valid at the revocation has expired.
      keepRevokedMs: (longestLife + 2 * toleranceSeconds) * 1000,
      now,
      events,
      logger,
    },
    revoked,
  )
}

async function keysReady(issuers: ReadonlyMap<string, Issuer>): Promise<void> {
  const results = await Promise.allSettled([...issuers.values()].map((issuer) => issuer.keys.ready()))
  const problems = [...issuers.keys()].filter((_, index) => results[index]?.status === 'rejected')
  if (problems.length === 0) return
  throw new DependencyUnavailableError(`The keys of these issuers cannot be fetched: ${problems.join(', ')}.`, {
    cause: results.find((result) => result.status === 'rejected')?.reason,
    details: { dependency: 'token keys', problems },
  })
}

function toEntry<Claims>(
  judged: JudgedToken,
  readClaims: (raw: RawClaims) => Claims,
): CacheEntry<VerifiedToken<Claims>> {
  const { issuer, identity, tokenId, issuedAtMs, expiresAtMs, notBeforeMs } = judged
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
    issuedAt: issuedAtMs,
    expiresAt: expiresAtMs,
    claims: deepFreeze(claims),
  })
  return { value, issuer: issuer.name, tenantClaim: identity.tenantClaim, tokenId, notBeforeMs, expiresAtMs }
}
