import { SignJWT } from 'jose'
import { describe, expect, it } from 'vitest'
import { sharedSecretTokens } from '../../src/auth/shared-secret-tokens.ts'

const secret = 'a-secret-of-at-least-thirty-two-bytes'
const call = { clientAddress: undefined, requestId: undefined, signal: new AbortController().signal }

function sign(claims: Record<string, unknown>, { key = secret, alg = 'HS256', exp = '5m' } = {}) {
  const token = new SignJWT(claims).setProtectedHeader({ alg }).setIssuedAt()
  return (exp === '' ? token : token.setExpirationTime(exp)).sign(new TextEncoder().encode(key))
}

const verify = sharedSecretTokens({ secret, tenant: 'org_id', roles: 'role' })

describe('sharedSecretTokens', () => {
  it('returns tenant, user, roles and expiry of a token that the secret signed', async () => {
    const principal = await verify(await sign({ sub: 'u', org_id: 't', role: 'owner' }), call)
    expect(principal).toMatchObject({ tenant: 't', userId: 'u', roles: ['owner'], expiresAt: expect.any(Date) })
  })

  it('takes whole numbers for ids, because serial keys are numbers', async () => {
    expect(await verify(await sign({ sub: '7', org_id: 42 }), call)).toMatchObject({ tenant: '42', userId: '7' })
  })

  it('reads claims inside of others, by a dotted path or a list of names', async () => {
    const nested = sharedSecretTokens({ secret, tenant: ['https://example.com/tenant', 'id'], user: 'user.id' })
    const token = (claims: Record<string, unknown>) => sign({ 'https://example.com/tenant': { id: 't' }, ...claims })
    expect(await nested(await token({ user: { id: 7 } }), call)).toMatchObject({ tenant: 't', userId: '7', roles: [] })
    expect(await nested(await token({ user: 7, 'user.id': 7 }), call)).toBeUndefined()
    expect(await nested(await token({ user: {} }), call)).toBeUndefined()
    expect(() => sharedSecretTokens({ secret, tenant: 'https://example.com/tenant' })).toThrow(/list of names/)
  })

  it.each([
    ['another secret', sign({ sub: 'u', org_id: 't' }, { key: `${secret}!` })],
    ['another algorithm', sign({ sub: 'u', org_id: 't' }, { alg: 'HS512' })],
    ['no expiry', sign({ sub: 'u', org_id: 't' }, { exp: '' })],
    ['an expiry in the past', sign({ sub: 'u', org_id: 't' }, { exp: '-1m' })],
    ['no tenant', sign({ sub: 'u' })],
    ['two tenants', sign({ sub: 'u', org_id: ['t', 'v'] })],
    ['an empty tenant', sign({ sub: 'u', org_id: '' })],
    ['no user', sign({ org_id: 't' })],
    ['roles that are no text', sign({ sub: 'u', org_id: 't', role: { admin: true } })],
    [
      'no signature',
      Promise.resolve(`${btoa('{"alg":"none"}')}.${btoa('{"sub":"u","org_id":"t","exp":99999999999}')}.`),
    ],
    ['text that is no token', Promise.resolve('hello')],
  ])('refuses a token with %s', async (_what, token) => {
    expect(await verify(await token, call)).toBeUndefined()
  })

  it('refuses a secret that is shorter than the hash', () => {
    expect(() => sharedSecretTokens({ secret: 'short', tenant: 'org_id' })).toThrow(/32 bytes/)
  })
})
