import fc from 'fast-check'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import type { TokenVerifier } from '../../src/auth/credential-verifier.ts'
import { explainToken } from '../../src/auth/explain-token.ts'
import { createTokenVerifier } from '../../src/auth/jwt.ts'
import { TokenRefusedError } from '../../src/auth/refusal.ts'
import { forgeHmac, forgeSigned, replaceParts } from '../setup/forge-token.ts'
import { startIssuer, type TestIssuer } from '../setup/issuer.ts'

let idp: TestIssuer
let verifier: TokenVerifier
beforeAll(async () => {
  idp = await startIssuer()
  verifier = createTokenVerifier(idp.localOptions())
})
afterAll(() => idp.close())

const refusalBy = (token: string) =>
  verifier.verifyToken(token).then(
    () => undefined,
    (error: unknown) => (error instanceof TokenRefusedError ? error.reason : String(error)),
  )

/** What is refused, by check. */
async function refusals(token: string) {
  const { accepted, checks } = await explainToken(token, idp.localOptions())
  const refused = checks.filter(({ verdict }) => verdict === 'refused').map(({ check, reason }) => [check, reason])
  return { accepted, refused: Object.fromEntries(refused) }
}

const now = () => Math.floor(Date.now() / 1000)

describe('the explanation of a token', () => {
  it('says who a good token is, with the identity that the verifier reads', async () => {
    const token = await idp.sign()
    const explained = await explainToken(token, idp.localOptions())
    const verified = await verifier.verifyToken(token)
    expect(explained.accepted).toBe(true)
    expect(explained.identity).toMatchObject({ tenantClaim: verified.tenantClaim, userId: verified.userId })
    expect(explained.checks.every(({ verdict }) => verdict === 'ok')).toBe(true)
  })

  it('names every fault, and not only the first', async () => {
    const token = await idp.sign({
      claims: { aud: 'another-service', exp: now() - 60, iat: now() - 600, nonce: 'n' },
      without: ['org_id', 'sub'],
    })
    expect(await refusals(token)).toEqual({
      accepted: false,
      refused: {
        times: 'expired',
        audience: 'audience',
        'kind of token': 'token-type',
        user: 'claim-missing',
        tenant: 'tenant-missing',
      },
    })
  })

  it('says how long ago the token ended', async () => {
    const token = await idp.sign({ claims: { exp: now() - 120, iat: now() - 600 } })
    const { checks } = await explainToken(token, idp.localOptions())
    expect(checks.find(({ check }) => check === 'times')?.fact).toBe('the token ended 2 min ago')
  })

  it('checks nothing that needs an issuer where the issuer is unknown', async () => {
    const { accepted, checks } = await explainToken(
      await idp.sign({ claims: { iss: 'https://elsewhere.example' } }),
      idp.localOptions(),
    )
    expect(accepted).toBe(false)
    expect(checks.find(({ check }) => check === 'signature')).toMatchObject({ verdict: 'not-checked' })
  })

  it('has no verdict where the keys can not be fetched', async () => {
    const { keys: _keys, ...rest } = idp.localOptions()
    const unreachable = { ...rest, keys: { jwksUrl: 'http://127.0.0.1:1/keys' } }
    const { accepted, checks } = await explainToken(await idp.sign(), unreachable)
    expect(accepted).toBeUndefined()
    expect(checks.find(({ check }) => check === 'signature')).toMatchObject({ verdict: 'not-checked' })
  })
})

describe('the explanation agrees with the verifier', () => {
  const claims = () => ({ iss: idp.issuer, aud: idp.audience, sub: 'u', org_id: 'acme', iat: now(), exp: now() + 60 })
  const header = () => ({ alg: 'ES256', kid: idp.key('ES256').kid, typ: 'at+jwt' })

  const FORGERIES: Readonly<Record<string, () => string | Promise<string>>> = {
    'no signature': async () => replaceParts(await idp.sign(), { signature: '' }),
    'alg none': async () => replaceParts(await idp.sign(), { header: { alg: 'none' }, signature: '' }),
    'a changed tenant': async () => replaceParts(await idp.sign(), { payload: { ...claims(), org_id: 'other' } }),
    'the public key as a secret': () => forgeHmac({ ...header(), alg: 'HS256' }, claims(), idp.key('ES256').publicPem),
    'a key in the header': () => forgeSigned({ ...header(), jwk: {} }, claims(), idp.key('ES256')),
    'a claim twice': () => forgeSigned(header(), `{"sub":"a",${JSON.stringify(claims()).slice(1)}`, idp.key('ES256')),
    'an issuer in a list': () => forgeSigned(header(), { ...claims(), iss: [idp.issuer] }, idp.key('ES256')),
    'a tenant with a control character': () =>
      forgeSigned(header(), { ...claims(), org_id: 'acme\u0000' }, idp.key('ES256')),
    'a token id that is a number': () => forgeSigned(header(), { ...claims(), jti: 7 }, idp.key('ES256')),
    'an unknown key id': () => forgeSigned({ ...header(), kid: 'nobody' }, claims(), idp.key('ES256')),
    'an ID token': () => forgeSigned(header(), { ...claims(), at_hash: 'x' }, idp.key('ES256')),
    'not yet valid': () => forgeSigned(header(), { ...claims(), nbf: now() + 3_000 }, idp.key('ES256')),
    'ends in milliseconds': () => forgeSigned(header(), { ...claims(), exp: Date.now() }, idp.key('ES256')),
    empty: () => '',
    'two tokens': async () => `${await idp.sign()}${await idp.sign()}`,
  }

  it.each(Object.keys(FORGERIES))('about %s: the reason of the verifier is among its reasons', async (name) => {
    const token = (await FORGERIES[name]?.()) ?? 'no such forgery'
    const { accepted, refused } = await refusals(token)
    expect(accepted).toBe(false)
    expect(Object.values(refused)).toContain(await refusalBy(token))
  })

  it('about any claims under a good signature', () =>
    fc.assert(
      fc.asyncProperty(
        fc.constantFrom('iss', 'aud', 'sub', 'org_id', 'iat', 'exp', 'nbf', 'jti', 'roles', 'act', 'token_use', 'typ'),
        fc.jsonValue(),
        async (name, value) => {
          const token = forgeSigned(header(), { ...claims(), [name]: value }, idp.key('ES256'))
          const reason = await refusalBy(token)
          const { accepted, refused } = await refusals(token)
          expect(accepted).toBe(reason === undefined)
          if (reason !== undefined) expect(Object.values(refused)).toContain(reason)
        },
      ),
      { numRuns: 300, endOnFailure: true },
    ))
})
