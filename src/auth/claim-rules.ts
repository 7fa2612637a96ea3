import { type RefusalReason, TokenRefusedError } from './refusal.ts'
import type { RawClaims } from './strict-json.ts'

/** The fact of a `lifetime` refusal whose cure is not a shorter lifetime. */
export const ENDS_BEFORE_IT_BEGINS = 'the token ends before it begins'

/** Requirements for the claims of an issuer's tokens. */
export interface ClaimRules {
  readonly audience: readonly string[] | undefined
  readonly authorizedParty: readonly string[] | undefined
  readonly clientId: readonly string[] | undefined
  readonly tokenUse: 'access' | 'id'
  /** Whether the preset itself distinguishes the kinds of tokens. */
  readonly presetKnowsTokenUse: boolean
  readonly maxLifetimeSeconds: number
}

interface TokenTimes {
  readonly issuedAtMs: number
  readonly expiresAtMs: number
  readonly notBeforeMs: number
}

/**
 * Checks `exp`, `iat`, `nbf` against the clock and against each other.
 *
 * A token must expire. The limit of its lifetime also catches an `exp` in milliseconds, which would be thousands of years away.
 *
 * @throws {TokenRefusedError} `claim-missing`, `claim-invalid`, `expired`, `not-yet-valid`, `lifetime`
 */
export function checkTimes(
  claims: RawClaims,
  rules: Pick<ClaimRules, 'maxLifetimeSeconds'>,
  nowMs: number,
  toleranceSeconds: number,
): TokenTimes {
  const exp = numericDate(claims, 'exp')
  const iat = numericDate(claims, 'iat')
  const nbf = Object.hasOwn(claims, 'nbf') ? numericDate(claims, 'nbf') : iat
  const now = nowMs / 1000
  const refuse = (reason: RefusalReason, claim: string, fact: string) =>
    new TokenRefusedError(reason, claim, undefined, fact)
  const { maxLifetimeSeconds } = rules
  if (exp <= iat) throw refuse('lifetime', 'exp', ENDS_BEFORE_IT_BEGINS)
  if (exp - iat > maxLifetimeSeconds) {
    const fact = `the token is valid for ${spell(exp - iat)}, the limit is ${spell(maxLifetimeSeconds)}`
    throw refuse('lifetime', 'exp', fact)
  }
  if (exp <= now - toleranceSeconds) throw refuse('expired', 'exp', `the token ended ${spell(now - exp)} ago`)
  for (const [claim, begin] of [
    ['nbf', nbf],
    ['iat', iat],
  ] as const) {
    if (begin > now + toleranceSeconds) {
      throw refuse('not-yet-valid', claim, `the token begins in ${spell(begin - now)}, by this server's clock`)
    }
  }
  return { issuedAtMs: iat * 1000, expiresAtMs: exp * 1000, notBeforeMs: Math.max(nbf, iat) * 1000 }
}

/** Checks that the token was made for this service. @throws {TokenRefusedError} `audience` */
export function checkAudience(claims: RawClaims, rules: ClaimRules): void {
  if (rules.audience !== undefined) {
    const value = claims['aud']
    const listed: readonly unknown[] = Array.isArray(value) ? value : [value]
    if (!listed.every((entry) => typeof entry === 'string')) throw new TokenRefusedError('audience', 'aud')
    if (!rules.audience.some((own) => listed.includes(own))) throw new TokenRefusedError('audience', 'aud')
  }
  requireOneOf(claims, 'azp', rules.authorizedParty)
  requireOneOf(claims, 'client_id', rules.clientId)
}

/**
 * Refuses ID tokens, refresh tokens and logout tokens where access tokens are expected, and access tokens where ID tokens are expected.
 *
 * @throws {TokenRefusedError} `token-type`
 * @see RFC 8725 section 3.11 and 3.12
 */
export function checkTokenUse(claims: RawClaims, rules: ClaimRules): void {
  // A logout token (OpenID Connect Back-Channel Logout) and a security event token are not credentials.
  if (Object.hasOwn(claims, 'events')) throw new TokenRefusedError('token-type', 'events')
  const use = claims['token_use']
  if (use !== undefined && use !== rules.tokenUse) throw new TokenRefusedError('token-type', 'token_use')
  if (rules.presetKnowsTokenUse) return
  const kind = typeof claims['typ'] === 'string' ? claims['typ'].toLowerCase() : undefined
  if (kind === 'refresh' || kind === 'offline' || kind === 'logout') throw new TokenRefusedError('token-type', 'typ')
  if (rules.tokenUse === 'id') {
    if (kind === 'bearer') throw new TokenRefusedError('token-type', 'typ')
    return
  }
  if (kind === 'id') throw new TokenRefusedError('token-type', 'typ')
  for (const mark of ['nonce', 'at_hash', 'c_hash', 's_hash']) {
    if (Object.hasOwn(claims, mark)) throw new TokenRefusedError('token-type', mark)
  }
}

/** Reads a claim that must be a non-empty string. */
export function requireText(claims: RawClaims, name: string, missing: RefusalReason = 'claim-missing'): string {
  if (!Object.hasOwn(claims, name)) throw new TokenRefusedError(missing, name)
  const value = claims[name]
  if (typeof value !== 'string' || value === '') throw new TokenRefusedError('claim-invalid', name)
  return value
}

function requireOneOf(claims: RawClaims, name: string, allowed: readonly string[] | undefined): void {
  if (allowed === undefined) return
  const value = claims[name]
  if (typeof value !== 'string' || !allowed.includes(value)) throw new TokenRefusedError('audience', name)
}

/** Seconds in a suitable unit, rounded. Days are used only from two days on, because limits are written in hours. */
export function spell(seconds: number): string {
  const units = [
    ['days', 86_400, 2 * 86_400],
    ['h', 3_600, 3_600],
    ['min', 60, 60],
  ] as const
  for (const [unit, size, from] of units) if (seconds >= from) return `${Math.round(seconds / size)} ${unit}`
  return `${Math.ceil(seconds)} s`
}

function numericDate(claims: RawClaims, name: string): number {
  if (!Object.hasOwn(claims, name)) throw new TokenRefusedError('claim-missing', name)
  const value = claims[name]
  if (typeof value !== 'number' || !Number.isSafeInteger(value) || value < 0) {
    throw new TokenRefusedError('claim-invalid', name)
  }
  return value
}
