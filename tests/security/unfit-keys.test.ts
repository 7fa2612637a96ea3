import { createHash, createPublicKey, generateKeyPairSync, generatePrimeSync, type JsonWebKey } from 'node:crypto'
import { afterEach, describe, expect, it } from 'vitest'
import type { TokenVerifier } from '../../src/auth/credential-verifier.ts'
import { createTokenVerifier } from '../../src/auth/jwt.ts'
import { readJwks } from '../../src/auth/key-set.ts'
import { silentLogger } from '../../src/logger/logger.ts'
import { serveKeys } from '../setup/key-endpoint.ts'

const closers: (() => unknown)[] = []
afterEach(async () => {
  for (const close of closers.splice(0)) await close()
})

const fit = generateKeyPairSync('rsa', { modulusLength: 2048 }).publicKey.export({ format: 'jwk' })
const exponent = (bytes: readonly number[]): JsonWebKey => ({ ...fit, e: Buffer.from(bytes).toString('base64url') })
const modulus = (value: bigint): JsonWebKey => ({
  ...fit,
  n: Buffer.from(value.toString(16).padStart(512, '0'), 'hex').toString('base64url'),
})
const point = (hex: string): JsonWebKey => ({
  kty: 'OKP',
  crv: 'Ed25519',
  x: Buffer.from(hex, 'hex').toString('base64url'),
})
const prime = generatePrimeSync(2048, { bigint: true })
const half = (1n << 2047n) + 1n

const unfit: readonly (readonly [string, JsonWebKey])[] = [
  ['an RSA key with public exponent 1', exponent([1])],
  ['an RSA key with public exponent 1 behind leading zeros', exponent([0, 0, 1])],
  ['an RSA key with public exponent 0', exponent([0])],
  ['an RSA key with public exponent 2', exponent([2])],
  ['an RSA key with the even public exponent 65536', exponent([1, 0, 0])],
  ['an RSA key with an exponent of 257 bits', exponent([1, ...new Array<number>(31).fill(0), 1])],
  ['an RSA key of 1024 bits', generateKeyPairSync('rsa', { modulusLength: 1024 }).publicKey.export({ format: 'jwk' })],
  ['an RSA key whose leading zeros make it look long', modulus((1n << 1023n) + 3n)],
  ['an RSA key with an even modulus', modulus(half + 1n)],
  ['an RSA key with a small factor', modulus(((half / 9973n) | 1n) * 9973n)],
  ['an RSA key with a prime modulus', modulus(prime)],
  ['an RSA key of 16392 bits', { ...fit, n: Buffer.alloc(2049, 0xff).toString('base64url') }],
  ['an Ed25519 key of order 1', point(`01${'00'.repeat(31)}`)],
  ['an Ed25519 key of order 1 with its sign bit set', point(`01${'00'.repeat(30)}80`)],
  ['an Ed25519 key of order 1 that is written unreduced', point(`ee${'ff'.repeat(30)}7f`)],
  ['an Ed25519 key of order 2', point(`ec${'ff'.repeat(30)}7f`)],
  ['an Ed25519 key of order 4', point('00'.repeat(32))],
  ['an Ed25519 key of order 8', point('c7176a703d4dd84fba3c0b760d10670f2a2053fa2c39ccc64ec7fd7792ac037a')],
]

/** A token that the attacker signed without any private key: RSA with exponent 1, where the signature is the padded hash. */
function forge(key: JsonWebKey, kid: string, issuer: string): string {
  const part = (value: object) => Buffer.from(JSON.stringify(value)).toString('base64url')
  const now = Math.floor(Date.now() / 1000)
  const claims = { iss: issuer, aud: 'api', sub: 'mallory', org_id: 'tenant-b', iat: now, exp: now + 300 }
  const text = `${part({ alg: 'RS256', kid, typ: 'JWT' })}.${part(claims)}`
  const info = Buffer.from('3031300d060960864801650304020105000420', 'hex')
  const digest = Buffer.concat([info, createHash('sha256').update(text).digest()])
  const length = Buffer.from(key.n ?? '', 'base64url').length
  const padding = Buffer.alloc(length - digest.length - 3, 0xff)
  const signature = Buffer.concat([Buffer.from([0, 1]), padding, Buffer.from([0]), digest])
  return `${text}.${signature.toString('base64url')}`
}

function verifier(jwksUrl: string, issuer: string): TokenVerifier {
  const made = createTokenVerifier({
    issuer,
    audience: 'api',
    algorithms: ['RS256', 'EdDSA'],
    keys: { jwksUrl },
    tenantClaims: { tenant: 'org_id' },
    logger: silentLogger,
  })
  closers.push(() => made.close())
  return made
}

describe('unfit keys', () => {
  it.each(unfit)('of a set: %s is refused, the other key is used', (_, jwk) => {
    const other = generateKeyPairSync('ec', { namedCurve: 'P-256' }).publicKey.export({ format: 'jwk' })
    const { keys, problems } = readJwks(
      {
        keys: [
          { ...jwk, kid: 'bad' },
          { ...other, kid: 'good' },
        ],
      },
      true,
    )
    expect(problems).toHaveLength(1)
    expect(keys.size).toBe(1)
    expect(keys.find('ES256', 'good')).toBeDefined()
  })

  it.each(unfit)('in the configuration: %s is a configuration error', (_, jwk) => {
    const options = { issuer: 'https://idp.example', audience: 'api', tenantClaims: { tenant: 'org_id' } }
    const algorithms = jwk.kty === 'OKP' ? (['EdDSA'] as const) : (['RS256'] as const)
    const code = 'PARTYWALL_CONFIGURATION'
    const given = { ...jwk, kid: 'bad' }
    expect(() => createTokenVerifier({ ...options, algorithms, keys: { jwks: { keys: [given] } } })).toThrow(
      expect.objectContaining({ code }),
    )
    const pem = createPublicKey({ key: jwk, format: 'jwk' }).export({ format: 'pem', type: 'spki' }).toString()
    expect(() => createTokenVerifier({ ...options, algorithms, keys: { pem } })).toThrow(
      expect.objectContaining({ code }),
    )
  })

  it('lets nobody sign as the publisher of an RSA key with exponent 1, in a set whose other key works', async () => {
    const issuer = 'https://idp.example/exponent-1'
    const weak = exponent([1])
    const { url, close } = await serveKeys([
      { ...weak, kid: 'weak' },
      { ...fit, kid: 'fit' },
    ])
    closers.push(close)
    const { verifyToken, ready } = verifier(url, issuer)
    await ready()
    await expect(verifyToken(forge(weak, 'weak', issuer))).rejects.toMatchObject({
      code: 'PARTYWALL_AUTHENTICATION',
      details: { reason: 'unknown-key' },
    })
  })

  it('fit keys with the exponents 3 and 65537 are used', () => {
    const three = generateKeyPairSync('rsa', { modulusLength: 2048, publicExponent: 3 }).publicKey
    const { keys, problems } = readJwks(
      {
        keys: [
          { ...three.export({ format: 'jwk' }), kid: '3' },
          { ...fit, kid: 'f4' },
        ],
      },
      true,
    )
    expect(problems).toEqual([])
    expect(keys.size).toBe(2)
  })

  it.each([
    ['shorter than the hash', 'x'.repeat(31)],
    ['of zero bytes only', new Uint8Array(64)],
  ])('an HMAC secret %s is a configuration error', (_, secret) => {
    const options = { issuer: 'https://idp.example', audience: 'api', tenantClaims: { tenant: 'org_id' } }
    expect(() => createTokenVerifier({ ...options, algorithms: ['HS256'], keys: { secret } })).toThrow(
      expect.objectContaining({ code: 'PARTYWALL_CONFIGURATION' }),
    )
  })
})
