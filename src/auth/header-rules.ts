import type { Algorithm } from './algorithms.ts'
import { TokenRefusedError } from './refusal.ts'
import type { RawClaims } from './strict-json.ts'

/**
 * Header names by which a token could choose the key, the encoding or the rules of its own verification. jose ignores some of
 * them. Access tokens of honest issuers have none.
 */
const FORBIDDEN = ['jku', 'jwk', 'x5u', 'x5c', 'crit', 'b64', 'zip', 'enc', 'epk', 'apu', 'apv', 'p2s', 'p2c']
const DEFAULT_TYPES: ReadonlySet<string> = new Set(['jwt', 'at+jwt'])
const KEY_ID = /^[\x21-\x7e]{1,256}$/

interface CheckedHeader {
  readonly algorithm: Algorithm
  readonly kid: string | undefined
}

/**
 * Checks a header before the issuer is known.
 *
 * @throws {TokenRefusedError} `header-forbidden`, `algorithm`, `malformed`
 * @see RFC 8725 section 3.10: never trust key locations in a token
 */
export function checkHeader(header: RawClaims): void {
  for (const name of FORBIDDEN) {
    if (Object.hasOwn(header, name)) throw new TokenRefusedError('header-forbidden', name)
  }
  const { alg, cty } = header
  if (typeof alg !== 'string' || alg.toLowerCase() === 'none') throw new TokenRefusedError('algorithm', 'alg')
  // A nested token: its payload would be another token.
  if (cty !== undefined) throw new TokenRefusedError('header-forbidden', 'cty')
}

/**
 * Checks a header against the settings of its issuer.
 *
 * @throws {TokenRefusedError} `algorithm`, `token-type`, `malformed`
 */
export function checkHeaderOfIssuer(
  header: RawClaims,
  rules: { readonly algorithms: readonly Algorithm[]; readonly types: ReadonlySet<string> | undefined },
): CheckedHeader {
  const algorithm = rules.algorithms.find((candidate) => candidate === header['alg'])
  if (algorithm === undefined) throw new TokenRefusedError('algorithm', 'alg')
  const { kid } = header
  if (kid !== undefined && (typeof kid !== 'string' || !KEY_ID.test(kid)))
    throw new TokenRefusedError('malformed', 'kid')
  checkType(header['typ'], rules.types)
  return { algorithm, kid }
}

/** Brings a media type into the form in which types are compared: in lower case, without `application/`. @see RFC 7515 section 4.1.9 */
export function normalizeType(typ: string): string {
  const lower = typ.toLowerCase()
  return lower.startsWith('application/') ? lower.slice('application/'.length) : lower
}

function checkType(typ: unknown, types: ReadonlySet<string> | undefined): void {
  if (typ === undefined && types === undefined) return
  if (typeof typ !== 'string' || !(types ?? DEFAULT_TYPES).has(normalizeType(typ))) {
    throw new TokenRefusedError('token-type', 'typ')
  }
}
