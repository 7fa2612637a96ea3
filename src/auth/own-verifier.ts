import { z } from 'zod'
import { parseOptions } from '../config/parse-options.ts'
import { DependencyUnavailableError, isPartywallError } from '../errors.ts'
import type { SecurityEvents } from '../events/security-events.ts'
import { createDefaultLogger, type Logger } from '../logger/logger.ts'
import {
  CredentialVerifier,
  deepFreeze,
  type RevocationCheck,
  type TokenOrigin,
  type TokenVerifier,
} from './credential-verifier.ts'
import { compileIdentity } from './identity.ts'
import type { Authorize } from './membership.ts'
import type { TokenCacheOptions } from './options.ts'
import { TokenRefusedError } from './refusal.ts'
import { isRecord } from './strict-json.ts'
import { type CacheEntry, TokenCache } from './token-cache.ts'
import type { VerifiedToken } from './verified-token.ts'
import { withinTime } from './within-time.ts'

/** What `auth.verify` returns for a credential that it recognises. Every other property is refused. */
export interface OwnPrincipal {
  /** The one tenant of the credential, as `findByClaim` of the directory knows it. A list is refused. */
  readonly tenant: string
  readonly userId: string
  /** Default: none. */
  readonly roles?: readonly string[] | undefined
  /** Narrows the permissions of the roles, never widens them. Undefined: no list. An empty list leaves no permission. */
  readonly permissions?: readonly string[] | undefined
  /** The id of the staff member who acts for the user. */
  readonly actor?: string | undefined
  /** Names the credential for `wall.revokeToken`, such as the id of a session or key. Never the credential itself. */
  readonly credentialId?: string | undefined
  /** When the credential was issued. Without it, `wall.revokeUser` also refuses credentials that were issued later. */
  readonly issuedAt?: Date | undefined
  /** From this moment on the credential is refused. Default: only `verify` decides. */
  readonly expiresAt?: Date | undefined
  /** `VerifiedToken.claims`, and `claims` of the question to `authorize`. Frozen. Default: an empty object. */
  readonly claims?: Readonly<Record<string, unknown>> | undefined
}

/** Facts about a request, beside its credential. */
export interface CredentialCall extends TokenOrigin {
  /** Aborted when `verifyTimeoutMs` has passed. */
  readonly signal: AbortSignal
}

/** Options for credentials that are no JWTs, such as opaque sessions, API keys and client certificates. */
export interface OwnVerifierOptions {
  /**
   * Recognises a credential. Undefined, null or false refuses it with 401. A thrown error answers 503, because then nobody knows whether
   * the credential is good. An error of partywall, such as one of `createTokenVerifier`, is passed on.
   *
   * Compare secrets by their hash, such as with a look-up by SHA-256, so that the time of a comparison reveals nothing.
   */
  readonly verify: (
    credential: string,
    call: CredentialCall,
  ) => OwnPrincipal | undefined | null | false | Promise<OwnPrincipal | undefined | null | false>
  /** How long `verify` may take, in milliseconds; default 5_000. */
  readonly verifyTimeoutMs?: number | undefined
  /**
   * How long a recognised credential is accepted without another call of `verify`. Default 5_000 ms, at most 60_000. With `maxEntries: 0`,
   * `verify` is called for each request.
   */
  readonly cache?: TokenCacheOptions | undefined
  /** Asked for each request whether the user is still a member of the tenant. */
  readonly authorize?: Authorize<Readonly<Record<string, unknown>>> | undefined
  /** How long `authorize` may take, in milliseconds; default 5_000. */
  readonly authorizeTimeoutMs?: number | undefined
  /** Longer credentials are refused before `verify` is called; default 8_192. */
  readonly maxTokenBytes?: number | undefined
  /** How long a revocation by `wall.revokeToken` or `wall.revokeUser` is kept, in days; default 30. */
  readonly keepRevokedDays?: number | undefined
  readonly now?: (() => number) | undefined
  readonly events?: SecurityEvents | undefined
  readonly logger?: Logger | undefined
}

type OwnClaims = Readonly<Record<string, unknown>>

/** `VerifiedToken.issuer` of these credentials. */
const ISSUER = 'auth.verify'
const DAY_MS = 86_400_000
/** Visible ASCII, the alphabet of bearer tokens and of common keys (RFC 6750, section 2.1), and spaces for subjects of certificates. */
const CREDENTIAL = /^[\x20-\x7e]+$/
const CREDENTIAL_ID = /^[\x20-\x7e]{1,256}$/

const fn = <F>() => z.custom<F>((value) => typeof value === 'function', 'must be a function')
const milliseconds = z.int().min(1).max(2_147_483_647)

const optionsSchema = z.strictObject({
  verify: fn<OwnVerifierOptions['verify']>(),
  verifyTimeoutMs: milliseconds.optional(),
  cache: z
    .strictObject({
      maxEntries: z.int().min(0).max(10_000_000).optional(),
      ttlMs: z.int().min(1).max(60_000).optional(),
    })
    .optional(),
  authorize: fn<Authorize<OwnClaims>>().optional(),
  authorizeTimeoutMs: milliseconds.optional(),
  maxTokenBytes: z.int().min(16).max(65_536).optional(),
  keepRevokedDays: z.number().positive().max(3_650).optional(),
  now: fn<() => number>().optional(),
  events: z.custom<SecurityEvents>().optional(),
  logger: z.custom<Logger>().optional(),
})

const PRINCIPAL_KEYS: ReadonlySet<string> = new Set<keyof OwnPrincipal>([
  'tenant',
  'userId',
  'roles',
  'permissions',
  'actor',
  'credentialId',
  'issuedAt',
  'expiresAt',
  'claims',
])

const readIdentity = compileIdentity(undefined, {
  tenant: 'tenant',
  user: 'userId',
  roles: 'roles',
  permissions: 'permissions',
  actor: 'actor',
})

/** Whether `auth` contains the application's own `verify` function, in place of issuers of JWTs. */
export function isOwnVerifier(auth: object | undefined): auth is OwnVerifierOptions {
  return auth !== undefined && auth !== null && Object.hasOwn(auth, 'verify')
}

/**
 * Makes a verifier from the application's own function. Cache, revocations, membership, events and limits of failures work as for JWTs.
 *
 * @throws {ConfigurationError} `PARTYWALL_CONFIGURATION` with all problems at once
 * @see OWASP API2:2023 (Broken Authentication)
 */
export function makeOwnVerifier(options: OwnVerifierOptions, revoked?: RevocationCheck): TokenVerifier<OwnClaims> {
  const parsed = parseOptions(optionsSchema, options, 'createPartywall({ auth: { verify } })')
  const { now = Date.now, maxTokenBytes = 8_192, verifyTimeoutMs = 5_000 } = parsed
  const cache = new TokenCache<VerifiedToken<OwnClaims>>({
    maxEntries: parsed.cache?.maxEntries ?? 10_000,
    ttlMs: parsed.cache?.ttlMs ?? 5_000,
    toleranceMs: 0,
    now,
  })
  return new CredentialVerifier<OwnClaims>(
    {
      requireText: (credential) => requireCredential(credential, maxTokenBytes),
      async judge(credential, onIssuer, origin) {
        onIssuer(ISSUER)
        return toEntry(await ask(parsed.verify, credential, origin, verifyTimeoutMs), now())
      },
      ready: async () => {},
      close: () => {},
    },
    {
      cache,
      maxBytes: maxTokenBytes,
      authorize: parsed.authorize,
      authorizeTimeoutMs: parsed.authorizeTimeoutMs,
      keepRevokedMs: (parsed.keepRevokedDays ?? 30) * DAY_MS,
      now,
      events: parsed.events,
      logger: parsed.logger ?? createDefaultLogger(),
    },
    revoked,
  )
}

function requireCredential(credential: unknown, maxBytes: number): asserts credential is string {
  if (credential === undefined || credential === null || credential === '') throw new TokenRefusedError('missing')
  if (typeof credential !== 'string' || !CREDENTIAL.test(credential)) throw new TokenRefusedError('malformed')
  if (credential.length > maxBytes) throw new TokenRefusedError('too-large')
}

async function ask(
  verify: OwnVerifierOptions['verify'],
  credential: string,
  origin: TokenOrigin,
  timeoutMs: number,
): Promise<unknown> {
  const abort = new AbortController()
  const late = () => unavailable(`gave no answer in ${timeoutMs} ms (auth.verifyTimeoutMs)`)
  try {
    const { clientAddress, requestId } = origin
    const call = { clientAddress, requestId, signal: abort.signal }
    return await withinTime(async () => verify(credential, call), timeoutMs, late)
  } catch (error) {
    if (isPartywallError(error)) throw error
    // The error may quote the credential, so do not set it as cause.
    throw unavailable(`threw ${error instanceof Error ? error.name : typeof error}`)
  } finally {
    abort.abort()
  }
}

function unavailable(what: string): DependencyUnavailableError {
  return new DependencyUnavailableError(`The function auth.verify ${what}.`, { details: { dependency: 'auth.verify' } })
}

/** Copies the answer, so that each property is read once: a getter, or a later change of the object, can't name two tenants. */
function toEntry(answer: unknown, now: number): CacheEntry<VerifiedToken<OwnClaims>> {
  if (answer === undefined || answer === null || answer === false) throw new TokenRefusedError('not-recognised')
  if (!isRecord(answer)) throw new TokenRefusedError('claim-invalid', 'principal')
  const principal: Record<string, unknown> = { ...answer }
  const unknown = Object.keys(principal).find((key) => !PRINCIPAL_KEYS.has(key))
  // Refuse an unknown property, such as `tenantId` or `tenants`: if it were ignored, the function's intention would be lost.
  if (unknown !== undefined)
    throw new TokenRefusedError('claim-invalid', 'principal', undefined, 'auth.verify returned an unknown property')
  const identity = readIdentity(principal)
  const expiresAtMs = momentOf(principal['expiresAt'], 'expiresAt') ?? Number.POSITIVE_INFINITY
  if (expiresAtMs <= now) throw new TokenRefusedError('expired', 'expiresAt')
  const issuedAtMs = momentOf(principal['issuedAt'], 'issuedAt')
  const tokenId = credentialIdOf(principal['credentialId'])
  const claims: unknown = principal['claims'] ?? {}
  if (!isRecord(claims)) throw new TokenRefusedError('claim-invalid', 'claims')
  const value = Object.freeze({
    issuer: ISSUER,
    ...identity,
    ...(tokenId === undefined ? {} : { tokenId }),
    ...(issuedAtMs === undefined ? {} : { issuedAt: issuedAtMs }),
    expiresAt: expiresAtMs,
    claims: deepFreeze(structuredClone(claims)),
  })
  return { value, issuer: ISSUER, tenantClaim: identity.tenantClaim, tokenId, notBeforeMs: 0, expiresAtMs }
}

function momentOf(value: unknown, name: string): number | undefined {
  if (value === undefined) return undefined
  if (!(value instanceof Date) || Number.isNaN(value.getTime())) throw new TokenRefusedError('claim-invalid', name)
  return value.getTime()
}

function credentialIdOf(value: unknown): string | undefined {
  if (value === undefined) return undefined
  if (typeof value !== 'string' || !CREDENTIAL_ID.test(value))
    throw new TokenRefusedError('claim-invalid', 'credentialId')
  return value
}
