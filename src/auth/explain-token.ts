import { isPartywallError, type PartywallError } from '../errors.ts'
import { silentLogger } from '../logger/logger.ts'
import { checkAudience, checkTimes, checkTokenUse, requireText } from './claim-rules.ts'
import { checkHeader, checkHeaderOfIssuer } from './header-rules.ts'
import type { Identity } from './identity.ts'
import type { Issuer } from './issuer.ts'
import { buildIssuers } from './issuers.ts'
import type { TokenVerifierOptions } from './options.ts'
import { parseVerifierOptions } from './parse-verifier-options.ts'
import { type RefusalReason, TokenRefusedError } from './refusal.ts'
import type { RawClaims } from './strict-json.ts'
import { parseToken, requireTokenText } from './strict-token.ts'
import { judgeToken, readIdentity, tokenIdOf, verifySignature } from './verify-token.ts'

/** One check of the verifier, and its result for one token. */
export interface ExplainedCheck {
  /** What was checked, such as `signature` or `times`. */
  readonly check: string
  /** The values of the token that were checked, by name. */
  readonly values: Readonly<Record<string, unknown>>
  /** `not-checked`: an earlier check failed, or the keys could not be fetched. */
  readonly verdict: 'ok' | 'refused' | 'not-checked'
  readonly reason?: RefusalReason
  /** The claim or header parameter that is wrong. */
  readonly claim?: string
  /** A sentence about the reason, such as how long ago the token expired. */
  readonly fact?: string
}

/** The verifier's judgement of a token. */
export interface ExplainedToken {
  /** False if a check failed, otherwise the verdict of the verifier itself. Undefined if the keys could not be fetched. */
  readonly accepted: boolean | undefined
  readonly checks: readonly ExplainedCheck[]
  /** Only if the token is accepted. */
  readonly identity?: Identity
}

interface Look {
  readonly issuers: ReadonlyMap<string, Issuer>
  readonly toleranceSeconds: number
  readonly now: () => number
}

/**
 * Runs the checks of the verifier on one token, and returns the result of each. A failed check stops only the checks that need
 * its result: after a wrong form none follows, and after an unknown issuer the others are `not-checked`.
 *
 * The result contains values of the token. Show it only to somebody who may see the token.
 *
 * @throws {ConfigurationError} `PARTYWALL_CONFIGURATION` if the options are wrong
 */
export async function explainToken(token: string, options: TokenVerifierOptions): Promise<ExplainedToken> {
  const parsed = parseVerifierOptions(options)
  const now = parsed.now ?? Date.now
  const issuers = buildIssuers(parsed, { now, logger: silentLogger, events: undefined, onKeysWithdrawn: () => {} })
  const look: Look = { issuers, toleranceSeconds: parsed.clockToleranceSeconds ?? 5, now }
  try {
    const checks = await checkAll(token, parsed.maxTokenBytes ?? 8_192, look)
    return { checks, ...(await verdictOf(token, checks, look)) }
  } finally {
    for (const issuer of issuers.values()) issuer.keys.close()
  }
}

/** If no check failed, asks the verifier itself, so that the application accepts each token that is called accepted. */
async function verdictOf(
  token: string,
  checks: readonly ExplainedCheck[],
  look: Look,
): Promise<Pick<ExplainedToken, 'accepted' | 'identity'>> {
  if (checks.some(({ verdict }) => verdict === 'refused')) return { accepted: false }
  if (checks.some(({ verdict }) => verdict === 'not-checked')) return { accepted: undefined }
  try {
    const { identity } = await judgeToken(token, { ...look, onIssuer: () => {} })
    return { accepted: true, identity }
  } catch (error) {
    if (error instanceof TokenRefusedError) return { accepted: false }
    throw error
  }
}

async function checkAll(token: string, maxTokenBytes: number, look: Look): Promise<readonly ExplainedCheck[]> {
  const form = attempt('form', { bytes: token.length }, () => {
    requireTokenText(token, maxTokenBytes)
    return parseToken(token)
  })
  const checks = [form.check]
  if (form.value === undefined) return checks
  const { header, payload, hasSignature } = form.value
  checks.push(attempt('header', header, () => checkHeader(header)).check)
  const named = payload['iss']
  const issuer = typeof named === 'string' ? look.issuers.get(named) : undefined
  checks.push(
    attempt('issuer', pick(payload, ['iss']), () => {
      if (!look.issuers.has(requireText(payload, 'iss'))) throw new TokenRefusedError('unknown-issuer', 'iss')
    }).check,
  )
  if (issuer === undefined) {
    return [...checks, ...REST.map((check) => ({ check, values: {}, verdict: 'not-checked' as const }))]
  }
  checks.push(await checkSignature(token, { header, hasSignature }, issuer), ...checkClaims(payload, issuer, look))
  checks.push(await checkTenant(payload, issuer))
  return checks
}

/** The checks that need the options of the issuer. */
const REST = ['signature', 'times', 'audience', 'kind of token', 'user', 'tenant'] as const

async function checkSignature(
  token: string,
  { header, hasSignature }: { readonly header: RawClaims; readonly hasSignature: boolean },
  issuer: Issuer,
): Promise<ExplainedCheck> {
  const values = pick(header, ['alg', 'kid', 'typ'])
  try {
    const { algorithm, kid } = checkHeaderOfIssuer(header, issuer)
    if (!hasSignature) throw new TokenRefusedError('signature')
    await verifySignature(token, await issuer.keys.select(algorithm, kid), algorithm)
    return { check: 'signature', values, verdict: 'ok' }
  } catch (error) {
    return failed('signature', values, error)
  }
}

function checkClaims(payload: RawClaims, issuer: Issuer, look: Look): readonly ExplainedCheck[] {
  const times = pick(payload, ['iat', 'nbf', 'exp'])
  const forWhom = pick(payload, ['aud', 'azp', 'client_id'])
  const kind = pick(payload, ['token_use', 'typ', 'nonce', 'events', 'jti'])
  return [
    attempt('times', times, () => checkTimes(payload, issuer, look.now(), look.toleranceSeconds)).check,
    attempt('audience', forWhom, () => checkAudience(payload, issuer)).check,
    attempt('kind of token', kind, () => {
      checkTokenUse(payload, issuer)
      tokenIdOf(payload)
      issuer.preset?.check(payload)
    }).check,
    attempt('user', pick(payload, ['sub']), () => requireText(payload, 'sub')).check,
  ]
}

async function checkTenant(payload: RawClaims, issuer: Issuer): Promise<ExplainedCheck> {
  const { check, value: identity } = attempt('tenant', {}, () => readIdentity(payload, issuer))
  if (identity === undefined) return check
  const { tenantClaim, userId, roles, permissions, actor } = identity
  const values = { tenant: tenantClaim, user: userId, roles, permissions, actor: actor?.id }
  try {
    await issuer.checkTenant(tenantClaim)
    return { check: 'tenant', values, verdict: 'ok' }
  } catch (error) {
    return failed('tenant', values, error)
  }
}

/** Makes one check, and says its result. `value` is what `make` returned; undefined if the check failed. */
export function attempt<T>(check: string, values: Readonly<Record<string, unknown>>, make: () => T) {
  try {
    return { check: { check, values, verdict: 'ok' } as ExplainedCheck, value: make() }
  } catch (error) {
    return { check: failed(check, values, error), value: undefined }
  }
}

/**
 * The result of a check that threw.
 *
 * @throws `error` if it is no error of partywall
 */
export function failed(check: string, values: Readonly<Record<string, unknown>>, error: unknown): ExplainedCheck {
  if (error instanceof TokenRefusedError) {
    const { reason, claim, fact } = error
    return {
      check,
      values,
      verdict: 'refused',
      reason,
      ...(claim === undefined ? {} : { claim }),
      ...(fact === undefined ? {} : { fact }),
    }
  }
  if (isPartywallError(error)) return { check, values, verdict: 'not-checked', fact: causeOf(error) }
  throw error
}

/** Returns the error's message, followed by the message of its cause. */
function causeOf({ message, cause }: PartywallError): string {
  return cause instanceof Error ? `${message} ${cause.message}` : message
}

/** Returns the claims with these names. Leaves out names that the token does not have. */
export function pick(claims: RawClaims, names: readonly string[]): Readonly<Record<string, unknown>> {
  return Object.fromEntries(names.filter((name) => Object.hasOwn(claims, name)).map((name) => [name, claims[name]]))
}
