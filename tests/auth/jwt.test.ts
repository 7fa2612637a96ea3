import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { createTokenVerifier } from '../../src/auth/jwt.ts'
import { startIssuer, type TestIssuer } from '../setup/issuer.ts'

let idp: TestIssuer
beforeAll(async () => {
  idp = await startIssuer({ algorithms: ['ES256', 'RS256', 'EdDSA'] })
})
afterAll(() => idp.close())

describe('verifyToken', () => {
  it.each([
    ['absent', {}, undefined],
    ['an empty list', { permissions: [] }, []],
    ['empty text', { permissions: '' }, []],
    ['null', { permissions: null }, []],
  ])('tells a permissions claim that is %s from others', async (_what, claims, expected) => {
    const { verifyToken } = createTokenVerifier(idp.localOptions())
    expect((await verifyToken(await idp.sign({ claims }))).permissions).toEqual(expected)
  })

  it('reads tenant, user, roles, permissions and end of a good token', async () => {
    const { verifyToken } = createTokenVerifier(idp.localOptions())
    const exp = Math.floor(Date.now() / 1000) + 120
    const token = await idp.sign({ claims: { permissions: 'documents:read documents:write', exp, jti: 'j-1' } })
    const verified = await verifyToken(token)
    expect(verified).toMatchObject({
      issuer: idp.issuer,
      tenantClaim: 'tenant-a',
      userId: 'user-1',
      roles: ['admin'],
      permissions: ['documents:read', 'documents:write'],
      tokenId: 'j-1',
      expiresAt: exp * 1000,
    })
    expect(verified.claims['aud']).toBe(idp.audience)
    expect(Object.isFrozen(verified)).toBe(true)
    expect(Object.isFrozen(verified.claims)).toBe(true)
    expect(Object.isFrozen(verified.roles)).toBe(true)
  })

  it.each(['ES256', 'RS256', 'EdDSA'] as const)('accepts a token signed with %s', async (algorithm) => {
    const { verifyToken } = createTokenVerifier(idp.localOptions())
    expect((await verifyToken(await idp.sign({ key: idp.key(algorithm) }))).userId).toBe('user-1')
  })

  it.each(['ES256', 'RS256', 'EdDSA'] as const)('accepts a PEM of %s', async (algorithm) => {
    const { verifyToken } = createTokenVerifier({
      ...idp.localOptions(),
      keys: { pem: idp.key(algorithm).publicPem },
      algorithms: [algorithm],
    })
    expect((await verifyToken(await idp.sign({ key: idp.key(algorithm) }))).userId).toBe('user-1')
  })

  it('refuses a changed payload as a bad signature', async () => {
    const { verifyToken } = createTokenVerifier(idp.localOptions())
    const [header, , signature] = (await idp.sign()).split('.')
    const [, payload] = (await idp.sign({ claims: { org_id: 'tenant-b' } })).split('.')
    await expect(verifyToken(`${header}.${payload}.${signature}`)).rejects.toMatchObject({
      code: 'PARTYWALL_AUTHENTICATION',
      status: 401,
      details: { reason: 'signature', attack: true },
    })
  })
})
