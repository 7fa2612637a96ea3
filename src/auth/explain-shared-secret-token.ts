import { compactVerify, decodeJwt, decodeProtectedHeader, errors } from 'jose'
import { silentLogger } from '../logger/logger.ts'
import { compileReader } from './claim-path.ts'
import { spell } from './claim-rules.ts'
import { attempt, type ExplainedCheck, type ExplainedToken, failed, pick } from './explain-token.ts'
import { compileIdentity } from './identity.ts'
import { makeOwnVerifier } from './own-verifier.ts'
import { TokenRefusedError } from './refusal.ts'
import { idOf, isMoment, rolesOf, type SharedSecretTokenOptions, sharedSecretTokens } from './shared-secret-tokens.ts'
import type { RawClaims } from './strict-json.ts'

/**
 * Makes each check of `auth.verify: sharedSecretTokens(options)` on one token, also after a check has failed, and says the result of each.
 * Such tokens need neither an issuer nor an audience.
 *
 * The verdict is that of the wall's own verifier. The result contains values of the token: show it only to somebody who may see the token.
 *
 * @throws {ConfigurationError} `PARTYWALL_CONFIGURATION` if the options are wrong, such as a secret that is too short
 */
export async function explainSharedSecretToken(
  token: string,
  options: SharedSecretTokenOptions,
): Promise<ExplainedToken> {
  const verifier = makeOwnVerifier({ verify: sharedSecretTokens(options), logger: silentLogger })
  try {
    const checks = await checkAll(token, options)
    try {
      const { tenantClaim, userId, roles, permissions } = await verifier.verifyToken(token)
      return { accepted: true, checks, identity: { tenantClaim, userId, roles, permissions } }
    } catch (error) {
      if (!(error instanceof TokenRefusedError)) throw error
      const isNamed = checks.some(({ verdict }) => verdict === 'refused')
      return { accepted: false, checks: isNamed ? checks : [...checks, failed('verifier', {}, error)] }
    }
  } finally {
    verifier.close()
  }
}

async function checkAll(token: string, options: SharedSecretTokenOptions): Promise<readonly ExplainedCheck[]> {
  const form = attempt('form', { bytes: token.length }, () => parse(token))
  if (form.value === undefined) return [form.check]
  const { header, payload } = form.value
  return [form.check, await checkSignature(token, header, options), ...checkClaims(payload, options)]
}

function parse(token: string): { readonly header: RawClaims; readonly payload: RawClaims } {
  if (token === '') throw new TokenRefusedError('missing')
  try {
    return { header: { ...decodeProtectedHeader(token) }, payload: decodeJwt(token) }
  } catch (cause) {
    throw new TokenRefusedError('malformed', undefined, cause)
  }
}

async function checkSignature(
  token: string,
  header: RawClaims,
  { secret = '', algorithms = ['HS256'] }: SharedSecretTokenOptions,
): Promise<ExplainedCheck> {
  const values = pick(header, ['alg', 'kid', 'typ', 'crit'])
  try {
    await compactVerify(token, new TextEncoder().encode(secret), { algorithms: [...algorithms] })
    return { check: 'signature', values, verdict: 'ok' }
  } catch (error) {
    if (error instanceof errors.JOSEAlgNotAllowed)
      return failed(
        'signature',
        values,
        new TokenRefusedError('algorithm', 'alg', error, `allowed: ${algorithms.join(', ')}`),
      )
    return failed('signature', values, new TokenRefusedError('signature', undefined, error))
  }
}

function checkClaims(payload: RawClaims, options: SharedSecretTokenOptions): readonly ExplainedCheck[] {
  const { tenant, user = 'sub', roles } = options
  const tenantValue = compileReader(tenant)(payload)
  const userValue = compileReader(user)(payload)
  const rolesValue = roles === undefined ? undefined : compileReader(roles)(payload)
  return [
    attempt('times', pick(payload, ['iat', 'nbf', 'exp']), () => checkTimes(payload)).check,
    attempt('token id', pick(payload, ['jti']), () => checkTokenId(payload)).check,
    attempt('user', { user: userValue }, () => requireId(userValue, user, 'user')).check,
    attempt('tenant', { tenant: tenantValue }, () => requireId(tenantValue, tenant, 'tenant')).check,
    attempt('roles', { roles: rolesValue }, () => {
      const names = rolesOf(rolesValue)
      if (names === undefined) throw new TokenRefusedError('claim-invalid', nameOf(roles ?? 'roles'))
      readIdentity({ tenant: 'tenant', user: 'user', roles: names })
    }).check,
  ]
}

/** As `jwtVerify` of jose without a tolerance: exp is required, iat and nbf are not, and there is no limit of the lifetime. */
function checkTimes(payload: RawClaims): void {
  if (!Object.hasOwn(payload, 'exp')) throw new TokenRefusedError('claim-missing', 'exp')
  for (const name of ['iat', 'nbf', 'exp'])
    if (payload[name] !== undefined && typeof payload[name] !== 'number')
      throw new TokenRefusedError('claim-invalid', name)
  for (const name of ['iat', 'exp']) {
    const value = payload[name]
    if (typeof value === 'number' && !isMoment(value)) throw new TokenRefusedError('claim-invalid', name)
  }
  const now = Math.floor(Date.now() / 1000)
  const { nbf, exp } = payload
  if (typeof nbf === 'number' && nbf > now) {
    const fact = `the token begins in ${spell(nbf - now)}, by this server's clock`
    throw new TokenRefusedError('not-yet-valid', 'nbf', undefined, fact)
  }
  if (typeof exp === 'number' && exp <= now)
    throw new TokenRefusedError('expired', 'exp', undefined, `the token ended ${spell(now - exp)} ago`)
}

function checkTokenId({ jti }: RawClaims): void {
  if (jti !== undefined && (typeof jti !== 'string' || !/^[\x20-\x7e]{1,256}$/.test(jti)))
    throw new TokenRefusedError('claim-invalid', 'jti')
}

const readIdentity = compileIdentity(undefined, { tenant: 'tenant', user: 'user', roles: 'roles' })

function requireId(value: unknown, path: SharedSecretTokenOptions['tenant'], what: 'tenant' | 'user'): void {
  const claim = nameOf(path)
  const isTenant = what === 'tenant'
  if (value === undefined || value === null)
    throw new TokenRefusedError(isTenant ? 'tenant-missing' : 'claim-missing', claim)
  const id = idOf(value)
  const invalid = new TokenRefusedError(isTenant ? 'tenant-invalid' : 'claim-invalid', claim)
  if (id === undefined) throw invalid
  try {
    readIdentity({ tenant: 'tenant', user: 'user', [what]: id })
  } catch {
    throw invalid
  }
}

function nameOf(path: SharedSecretTokenOptions['tenant']): string {
  return typeof path === 'string' ? path : path.join('.')
}
