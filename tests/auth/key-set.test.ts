import { createHash, generateKeyPairSync, type KeyObject } from 'node:crypto'
import { describe, expect, it } from 'vitest'
import { readJwks, readPem, readSecret } from '../../src/auth/key-set.ts'

const ec = (curve = 'P-256') => generateKeyPairSync('ec', { namedCurve: curve })
const jwkOf = (key: KeyObject, more: object = {}) => ({ ...key.export({ format: 'jwk' }), kid: 'k1', ...more })
const read = (...keys: unknown[]) => readJwks({ keys }, true)

describe('readJwks', () => {
  it('finds a key by kid and algorithm', () => {
    const { keys, problems } = read(jwkOf(ec().publicKey))
    expect(problems).toEqual([])
    expect(keys.find('ES256', 'k1')).toBeDefined()
    expect(keys.find('ES256', 'k2')).toBeUndefined()
    expect(keys.find('ES256', undefined)).toBeUndefined()
  })

  it.each([
    ['another curve', 'ES384'],
    ['another kind', 'RS256'],
    ['a shared secret', 'HS256'],
    ['another signature', 'EdDSA'],
  ] as const)('finds no key for %s', (_, algorithm) => {
    expect(read(jwkOf(ec().publicKey)).keys.find(algorithm, 'k1')).toBeUndefined()
  })

  it('finds no key for an algorithm that its publisher does not name', () => {
    const { publicKey } = generateKeyPairSync('rsa', { modulusLength: 2048 })
    const { keys } = read(jwkOf(publicKey, { alg: 'PS256' }))
    expect(keys.find('PS256', 'k1')).toBeDefined()
    expect(keys.find('RS256', 'k1')).toBeUndefined()
  })

  it('takes neither of two keys with one kid', () => {
    const { keys, problems } = read(jwkOf(ec().publicKey), jwkOf(ec().publicKey), jwkOf(ec().publicKey, { kid: 'k2' }))
    expect(keys.find('ES256', 'k1')).toBeUndefined()
    expect(keys.find('ES256', 'k2')).toBeDefined()
    expect(problems).toHaveLength(2)
  })

  it('takes a key whose kid a key for encryption has too', () => {
    const { keys, problems } = read(jwkOf(ec().publicKey), jwkOf(ec().publicKey, { use: 'enc' }))
    expect(keys.find('ES256', 'k1')).toBeDefined()
    expect(problems).toEqual([])
  })

  it.each([
    ['an RSA key of 1024 bits', () => jwkOf(generateKeyPairSync('rsa', { modulusLength: 1024 }).publicKey)],
    ['a private key', () => jwkOf(ec().privateKey)],
    ['a shared secret', () => ({ kty: 'oct', k: 'c2VjcmV0', kid: 'k1' })],
    ['a point that is not on the curve', () => ({ ...jwkOf(ec().publicKey), x: 'AAAA' })],
    ['a kid that is a number', () => jwkOf(ec().publicKey, { kid: 1 })],
    ['a member that is no object', () => 'text'],
  ])('leaves %s out, and says so', (_, make) => {
    const { keys, problems } = read(make())
    expect(keys.size).toBe(0)
    expect(problems).toHaveLength(1)
  })

  it.each([
    ['for encryption', { use: 'enc' }],
    ['that may only sign', { key_ops: ['sign'] }],
    ['of a kind that is not known', { kty: 'AKP' }],
  ])('leaves a key %s out silently', (_, change) => {
    const { keys, problems } = read(jwkOf(ec().publicKey, change))
    expect(keys.size).toBe(0)
    expect(problems).toEqual([])
  })

  it('reads a hundred keys and no more', () => {
    const jwk = jwkOf(ec().publicKey)
    const { keys, problems } = read(...Array.from({ length: 150 }, (_, n) => ({ ...jwk, kid: `k${n}` })))
    expect(keys.size).toBe(100)
    expect(problems).toHaveLength(1)
  })

  it.each([
    ['null', null],
    ['a list', []],
    ['an object without keys', {}],
    ['keys that are no list', { keys: {} }],
  ])('finds nothing in %s', (_, document) => {
    expect(readJwks(document, true).keys.size).toBe(0)
  })

  it('tells keys apart by their material, not by their kid alone', () => {
    const [one] = read(jwkOf(ec().publicKey)).keys.fingerprints
    const [two] = read(jwkOf(ec().publicKey)).keys.fingerprints
    expect(one).not.toBe(two)
  })
})

describe('readPem and readSecret', () => {
  it('take a key whatever kid a token names, since there is one', () => {
    const pem = ec().publicKey.export({ format: 'pem', type: 'spki' }).toString()
    expect(readPem(pem).find('ES256', 'anything')).toBeDefined()
    expect(readPem(pem).find('ES384', undefined)).toBeUndefined()
    expect(readSecret('x'.repeat(32)).find('HS256', 'anything')).toBeDefined()
    expect(readSecret('x'.repeat(32)).find('ES256', undefined)).toBeUndefined()
  })

  it('refuse a private PEM', () => {
    const pem = ec().privateKey.export({ format: 'pem', type: 'pkcs8' }).toString()
    expect(() => readPem(pem)).toThrow(TypeError)
  })

  it('keep no secret where fingerprints are', () => {
    const secret = 'a-secret-of-at-least-thirty-two-bytes'
    const [fingerprint] = readSecret(secret).fingerprints
    expect(fingerprint).not.toContain(Buffer.from(secret).toString('base64'))
    expect(fingerprint).toContain(createHash('sha256').update(secret).digest('hex'))
  })
})
