import type { KeyObject } from 'node:crypto'
import { compactVerify } from 'jose'
import { checkAudience, checkTimes, checkTokenUse, requireText } from './claim-rules.ts'
import { checkHeader, checkHeaderOfIssuer } from './header-rules.ts'
import type { Identity } from './identity.ts'
import type { Issuer } from './issuer.ts'
import { TokenRefusedError } from './refusal.ts'
import type { RawClaims } from './strict-json.ts'
import { parseToken } from './strict-token.ts'

/** A token whose signature and claims are good. */
export interface JudgedToken {
  readonly issuer: Issuer
  readonly claims: RawClaims
  readonly identity: Identity
  readonly tokenId: string | undefined
  readonly issuedAtMs: number
  readonly expiresAtMs: number
  readonly notBeforeMs: number
}

interface JudgeOptions {
  readonly issuers: ReadonlyMap<string, Issuer>
  readonly toleranceSeconds: number
  readonly now: () => number
  /** Called with the issuer as soon as it is known, so that a later refusal can name it. */
  readonly onIssuer: (issuer: string) => void
}

const TOKEN_ID = /^[\x20-\x7e]{1,256}$/

/**
 * Checks one token: form, header, issuer, key, signature, and only then its claims.
 *
 * The issuer is chosen first, and only its own keys are tried, so a key of one issuer can't sign for another issuer.
 *
 * @throws {TokenRefusedError} for every problem of the token
 * @throws {DependencyUnavailableError} if the keys can't be fetched now
 */
export async function judgeToken(token: string, options: JudgeOptions): Promise<JudgedToken> {
  const { header, payload, hasSignature } = parseToken(token)
  checkHeader(header)
  const issuer = options.issuers.get(requireText(payload, 'iss'))
  if (issuer === undefined) throw new TokenRefusedError('unknown-issuer')
  options.onIssuer(issuer.name)
  const { algorithm, kid } = checkHeaderOfIssuer(header, issuer)
  if (!hasSignature) throw new TokenRefusedError('signature')
  await verifySignature(token, await issuer.keys.select(algorithm, kid), algorithm)

  const times = checkTimes(payload, issuer, options.now(), options.toleranceSeconds)
  checkAudience(payload, issuer)
  checkTokenUse(payload, issuer)
  requireText(payload, 'sub')
  issuer.preset?.check(payload)
  const identity = readIdentity(payload, issuer)
  await issuer.checkTenant(identity.tenantClaim)
  return { issuer, claims: payload, identity, tokenId: tokenIdOf(payload), ...times }
}

export async function verifySignature(token: string, key: KeyObject, algorithm: string): Promise<void> {
  try {
    await compactVerify(token, key, { algorithms: [algorithm] })
  } catch (error) {
    // jose has no code for some refusals (a weak key is a TypeError), so each error that jose throws counts as a refusal.
    throw new TokenRefusedError('signature', undefined, error)
  }
}

export function readIdentity(claims: RawClaims, issuer: Issuer): Identity {
  try {
    return issuer.readIdentity(claims)
  } catch (error) {
    if (error instanceof TokenRefusedError) throw error
    // The application's own `claims` function threw.
    throw new TokenRefusedError('claim-invalid', undefined, error)
  }
}

export function tokenIdOf(claims: RawClaims): string | undefined {
  if (!Object.hasOwn(claims, 'jti')) return undefined
  const { jti } = claims
  if (typeof jti !== 'string' || !TOKEN_ID.test(jti)) throw new TokenRefusedError('claim-invalid', 'jti')
  return jti
}
