import fc from 'fast-check'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { readBearerToken } from '../../src/auth/bearer.ts'
import type { TokenVerifier } from '../../src/auth/credential-verifier.ts'
import { createTokenVerifier } from '../../src/auth/jwt.ts'
import { isPartywallError } from '../../src/errors.ts'
import { encodePart, forgeSigned } from '../setup/forge-token.ts'
import { startIssuer, type TestIssuer } from '../setup/issuer.ts'

let idp: TestIssuer
let verifier: TokenVerifier
let good: string
beforeAll(async () => {
  idp = await startIssuer()
  verifier = createTokenVerifier(idp.localOptions())
  good = await idp.sign()
})
afterAll(() => idp.close())

const RUNS = { numRuns: 500, endOnFailure: true }
/** What a slow machine needs for one signature many times over; a quadratic step on 64 KB would need far more. */
const BOUND_MS = 2_000

/** The whole promise of the verifier: refusal by 401 and nothing else, in bounded time, without a trace of the input. */
async function expectRefusal(token: unknown): Promise<void> {
  const started = performance.now()
  const outcome: unknown = await verifier.verifyToken(token).catch((error: unknown) => error)
  expect(performance.now() - started).toBeLessThan(BOUND_MS)
  if (!isPartywallError(outcome)) throw new Error('a fuzzed token was accepted or threw something else')
  expect(outcome.status).toBe(401)
  expect(outcome.publicMessage).toBe('A valid access token is required.')
  expect(outcome.publicMessage).not.toContain('    at ')
}

describe('fuzzed tokens', () => {
  it('refuses any text', () =>
    fc.assert(fc.asyncProperty(fc.string({ maxLength: 2_000, unit: 'binary' }), expectRefusal), RUNS))

  it('refuses anything that is no text', () =>
    fc.assert(
      fc.asyncProperty(
        fc.anything().filter((value) => typeof value !== 'string'),
        expectRefusal,
      ),
      RUNS,
    ))

  it('refuses a good token with any one character changed', () =>
    fc.assert(
      fc.asyncProperty(fc.nat(), fc.string({ minLength: 1, maxLength: 1, unit: 'binary' }), async (at, character) => {
        const index = at % good.length
        if (good[index] === character) return
        await expectRefusal(`${good.slice(0, index)}${character}${good.slice(index + 1)}`)
      }),
      RUNS,
    ))

  it('refuses a good token with a piece cut out or doubled', () =>
    fc.assert(
      fc.asyncProperty(fc.nat(), fc.integer({ min: 1, max: 50 }), fc.boolean(), async (at, length, double) => {
        const index = at % (good.length - 1)
        const piece = good.slice(index, index + length)
        const rest = good.slice(index + length)
        const changed = double ? `${good.slice(0, index)}${piece}${piece}${rest}` : `${good.slice(0, index)}${rest}`
        if (changed !== good) await expectRefusal(changed)
      }),
      RUNS,
    ))

  it('refuses any JSON as header under a good signature', () =>
    fc.assert(
      fc.asyncProperty(fc.json({ maxDepth: 6 }), (header) =>
        expectRefusal(forgeSigned(header, { iss: idp.issuer, sub: 'u' }, idp.key())),
      ),
      RUNS,
    ))

  it('refuses any claims that are not all as they must be, under a good signature', () =>
    fc.assert(
      fc.asyncProperty(
        fc.record(
          {
            aud: fc.jsonValue(),
            sub: fc.jsonValue(),
            org_id: fc.jsonValue().filter((value) => typeof value !== 'string' || value.length > 128),
            iat: fc.jsonValue(),
            exp: fc.jsonValue(),
            roles: fc.jsonValue(),
          },
          { requiredKeys: ['org_id'] },
        ),
        (claims) =>
          expectRefusal(forgeSigned({ alg: 'ES256', kid: idp.key().kid }, { iss: idp.issuer, ...claims }, idp.key())),
      ),
      RUNS,
    ))

  it('refuses any bytes in the three parts', () =>
    fc.assert(
      fc.asyncProperty(fc.uint8Array({ maxLength: 400 }), fc.uint8Array({ maxLength: 400 }), (first, second) =>
        expectRefusal(`${encodePart(first)}.${encodePart(second)}.${encodePart(second)}`),
      ),
      RUNS,
    ))

  it('finds no token in any header that is not Bearer, and takes none apart', () => {
    fc.assert(
      fc.property(fc.string({ maxLength: 500, unit: 'binary' }), (text) => {
        const token = readBearerToken(text)
        expect(token === undefined || text.toLowerCase() === `bearer ${token}`.toLowerCase()).toBe(true)
      }),
      RUNS,
    )
    expect(readBearerToken(['Bearer a', 'Bearer b'])).toBeUndefined()
    expect(readBearerToken('bEaReR abc')).toBe('abc')
    expect(readBearerToken('Basic abc')).toBeUndefined()
  })

  it('still accepts the good token afterwards', async () => {
    expect((await verifier.verifyToken(good)).tenantClaim).toBe('tenant-a')
  })
})
