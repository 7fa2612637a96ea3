import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { explainSharedSecretToken } from '../../src/auth/explain-shared-secret-token.ts'
import { makeOwnVerifier } from '../../src/auth/own-verifier.ts'
import { sharedSecretTokens } from '../../src/auth/shared-secret-tokens.ts'
import { silentLogger } from '../../src/logger/logger.ts'
import { forgeHmac, replaceParts } from '../setup/forge-token.ts'

const secret = 'the secret of the application, of more than thirty-two characters'
const options = { secret, tenant: 'organizationId', user: 'id', roles: 'role' }
const now = () => Math.floor(Date.now() / 1000)
const claims = () => ({ id: 7, organizationId: 'acme', role: 'owner', iat: now(), exp: now() + 60 })
const header = { alg: 'HS256', typ: 'JWT' }

async function refusals(token: string) {
  const { accepted, checks } = await explainSharedSecretToken(token, options)
  const refused = checks.filter(({ verdict }) => verdict === 'refused').map(({ check, reason }) => [check, reason])
  return { accepted, refused: Object.fromEntries(refused) }
}

const wall = makeOwnVerifier({ verify: sharedSecretTokens(options), logger: silentLogger, cache: { maxEntries: 0 } })
const acceptedByWall = (token: string) =>
  wall.verifyToken(token).then(
    () => true,
    () => false,
  )

describe('the explanation of a token with a shared secret', () => {
  it('accepts a token without issuer and audience, with the identity that the wall reads', async () => {
    const token = forgeHmac(header, claims(), secret)
    const { accepted, checks, identity } = await explainSharedSecretToken(token, options)
    expect({ accepted, identity }).toMatchObject({
      accepted: true,
      identity: { tenantClaim: 'acme', userId: '7', roles: ['owner'] },
    })
    expect(checks.every(({ verdict }) => verdict === 'ok')).toBe(true)
    expect(await acceptedByWall(token)).toBe(true)
  })

  it('names every fault, and not only the first', async () => {
    const token = forgeHmac(header, { iat: now(), exp: now() - 60, organizationId: ['a', 'b'], role: 7 }, `${secret}!`)
    expect(await refusals(token)).toEqual({
      accepted: false,
      refused: {
        signature: 'signature',
        times: 'expired',
        user: 'claim-missing',
        tenant: 'tenant-invalid',
        roles: 'claim-invalid',
      },
    })
  })

  it.each<[string, () => string, string]>([
    ['another algorithm', () => forgeHmac({ alg: 'HS512' }, claims(), secret), 'algorithm'],
    ['no expiry', () => forgeHmac(header, { ...claims(), exp: undefined }, secret), 'claim-missing'],
    ['an issue time that is no date', () => forgeHmac(header, { ...claims(), iat: -3.4e233 }, secret), 'claim-invalid'],
    ['an expiry that is no date', () => forgeHmac(header, { ...claims(), exp: 1e300 }, secret), 'claim-invalid'],
    ['no tenant', () => forgeHmac(header, { ...claims(), organizationId: undefined }, secret), 'tenant-missing'],
    ['no signature', () => replaceParts(forgeHmac(header, claims(), secret), { signature: '' }), 'signature'],
    ['text that is no token', () => 'abc', 'malformed'],
    ['nothing', () => '', 'missing'],
    ['a token that is too long', () => forgeHmac(header, { ...claims(), x: 'x'.repeat(9_000) }, secret), 'too-large'],
  ])('names %s', async (_name, make, reason) => {
    const { accepted, refused } = await refusals(make())
    expect(accepted).toBe(false)
    expect(Object.values(refused)).toEqual([reason])
  })

  it('agrees with the wall about any claims under a good signature', () =>
    fc.assert(
      fc.asyncProperty(
        fc.constantFrom('iss', 'aud', 'id', 'organizationId', 'role', 'iat', 'exp', 'nbf', 'jti', 'act'),
        fc.oneof(
          fc.jsonValue(),
          fc.double({ noNaN: true, noDefaultInfinity: true }),
          fc.integer({ min: 0, max: 4_000_000_000 }),
        ),
        async (name, value) => {
          const token = forgeHmac(header, { ...claims(), [name]: value }, secret)
          const { accepted, refused } = await refusals(token)
          expect(accepted).toBe(await acceptedByWall(token))
          // The reason is named by a check of its own, and accepted tokens have none.
          expect(Object.keys(refused).length > 0).toBe(!accepted)
          expect(refused).not.toHaveProperty('verifier')
        },
      ),
      { numRuns: 300, endOnFailure: true },
    ))
})
