import { checkPrimeSync, type KeyObject } from 'node:crypto'

const MIN_RSA_BITS = 2048
// OpenSSL refuses larger keys, so a longer modulus would only cost time.
const MAX_RSA_BITS = 16_384
// FIPS 186-5 demands 2^16 < e < 2^256, but real keys also have smaller exponents, from 3 on. An exponent of 2^256 or more may be congruent
// to 1 modulo the group's order, and then acts like the exponent 1.
const MAX_RSA_EXPONENT = 2n ** 256n

/**
 * y coordinates (little endian, hex, without the sign bit) of Ed25519's points of order 1, 2, 4 and 8. Two of these coordinates have a second,
 * non-canonical encoding.
 */
const SMALL_ORDER = new Set([
  `01${'00'.repeat(31)}`,
  `ec${'ff'.repeat(30)}7f`,
  '00'.repeat(32),
  '26e8958fc2b227b045c3f489f2ef98f0d5dfac05d3c63339b13802886d53fc05',
  'c7176a703d4dd84fba3c0b760d10670f2a2053fa2c39ccc64ec7fd7792ac037a',
  `ed${'ff'.repeat(30)}7f`,
  `ee${'ff'.repeat(30)}7f`,
])

/**
 * Checks whether a public key is safe to use. For most of the refused keys, anybody could make valid signatures. Refused are:
 *
 * - RSA: a modulus that has fewer than 2048 or more than 16384 bits, is prime, or has a factor below 10,000;
 * - RSA: a public exponent that is below 3, even, or 2^256 or more. With the exponent 1 a signature is the padded hash itself;
 * - Ed25519: a point of small order. One signature then fits every message.
 *
 * @returns the reason for the refusal, or undefined for a safe key
 * @see RFC 8725 section 3.4, RFC 8017 section 3.1, FIPS 186-5 section A.1.1, RFC 8032 section 5.1
 */
export function problemOfKey(key: KeyObject): string | undefined {
  switch (key.asymmetricKeyType) {
    case 'rsa':
    case 'rsa-pss':
      return problemOfRsa(key)
    case 'ed25519':
      return problemOfEd25519(key)
    default:
      return undefined
  }
}

function problemOfRsa(key: KeyObject): string | undefined {
  const { modulusLength = 0, publicExponent = 0n } = key.asymmetricKeyDetails ?? {}
  if (modulusLength < MIN_RSA_BITS) return `its modulus has fewer than ${MIN_RSA_BITS} bits`
  if (modulusLength > MAX_RSA_BITS) return `its modulus has more than ${MAX_RSA_BITS} bits`
  if (publicExponent < 3n) return 'its public exponent is below 3'
  if (publicExponent % 2n === 0n) return 'its public exponent is even'
  if (publicExponent >= MAX_RSA_EXPONENT) return 'its public exponent has more than 256 bits'
  const modulus = modulusOf(key)
  if (modulus !== undefined && isEasilyFactored(modulus)) return 'its modulus is prime or has a small factor'
  return undefined
}

/** Undefined for an RSASSA-PSS key: Node.js can't export it as JWK, and no algorithm here accepts it. */
function modulusOf(key: KeyObject): bigint | undefined {
  if (key.asymmetricKeyType !== 'rsa') return undefined
  const { n } = key.export({ format: 'jwk' })
  return n === undefined ? undefined : BigInt(`0x${Buffer.from(n, 'base64url').toString('hex')}`)
}

function isEasilyFactored(modulus: bigint): boolean {
  if (modulus % 2n === 0n) return true
  for (let factor = 3n; factor < 10_000n; factor += 2n) if (modulus % factor === 0n) return true
  return checkPrimeSync(modulus)
}

function problemOfEd25519(key: KeyObject): string | undefined {
  const { x } = key.export({ format: 'jwk' })
  const point = Buffer.from(x ?? '', 'base64url')
  // The highest bit is the sign of x: a point and its negative have the same order.
  const top = point[31]
  if (top !== undefined) point[31] = top & 0x7f
  return SMALL_ORDER.has(point.toString('hex')) ? 'its point has a small order' : undefined
}
