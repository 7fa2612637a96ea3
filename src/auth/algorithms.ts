import type { KeyObject } from 'node:crypto'

/** Signature algorithms that partywall accepts. `none` is not among them and can't be configured. */
export const ALGORITHMS = [
  'RS256',
  'RS384',
  'RS512',
  'PS256',
  'PS384',
  'PS512',
  'ES256',
  'ES384',
  'ES512',
  'EdDSA',
  'Ed25519',
  'HS256',
  'HS384',
  'HS512',
] as const

export type Algorithm = (typeof ALGORITHMS)[number]

const CURVES: Readonly<Partial<Record<Algorithm, string>>> = {
  ES256: 'prime256v1',
  ES384: 'secp384r1',
  ES512: 'secp521r1',
}

const MIN_RSA_BITS = 2048

/** Whether the algorithm shares a secret between issuer and verifier. */
export function isSymmetric(algorithm: Algorithm): boolean {
  return algorithm.startsWith('HS')
}

/** The shortest allowed length of a secret, which is the length of the hash. @see RFC 7518 section 3.2, RFC 8725 section 3.5 */
export function minSecretBytes(algorithms: readonly Algorithm[]): number {
  return Math.max(...algorithms.map((algorithm) => Number(algorithm.slice(2)) / 8))
}

/** Whether a public key is of the kind, curve and size that the algorithm needs. */
export function keyFitsAlgorithm(key: KeyObject, algorithm: Algorithm): boolean {
  const details = key.asymmetricKeyDetails
  switch (algorithm.slice(0, 2)) {
    case 'RS':
    case 'PS':
      return key.asymmetricKeyType === 'rsa' && (details?.modulusLength ?? 0) >= MIN_RSA_BITS
    case 'ES':
      return key.asymmetricKeyType === 'ec' && details?.namedCurve === CURVES[algorithm]
    case 'Ed':
      return key.asymmetricKeyType === 'ed25519'
    default:
      return key.type === 'secret'
  }
}
