import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import type { TokenVerifier } from '../../src/auth/credential-verifier.ts'
import { createTokenVerifier } from '../../src/auth/jwt.ts'
import { TokenCache } from '../../src/auth/token-cache.ts'
import { startIssuer, type TestIssuer } from '../setup/issuer.ts'

let idp: TestIssuer
beforeAll(async () => {
  idp = await startIssuer()
})
afterAll(() => idp.close())

/** A verifier whose claims reader counts: it runs once for each real verification. */
function counting(extra: { now?: () => number; cache?: { maxEntries?: number; ttlMs?: number } } = {}) {
  const counter = { verifications: 0 }
  const verifier: TokenVerifier<object> = createTokenVerifier({
    ...idp.localOptions(),
    ...extra,
    claims(raw) {
      counter.verifications++
      return raw
    },
  })
  return { verifier, counter }
}

describe('the verified-token cache', () => {
  it('answers a token that was verified a moment ago', async () => {
    const { verifier, counter } = counting()
    const token = await idp.sign()
    const first = await verifier.verifyToken(token)
    expect(await verifier.verifyToken(token)).toBe(first)
    expect(verifier.peekCached(token)).toBe(first)
    expect(counter.verifications).toBe(1)
  })

  it('belongs to one verifier: another audience does not profit from it', async () => {
    const { verifier } = counting()
    const token = await idp.sign()
    await verifier.verifyToken(token)
    const other = createTokenVerifier({ ...idp.localOptions(), audience: 'https://other.example' })
    await expect(other.verifyToken(token)).rejects.toMatchObject({ details: { reason: 'audience' } })
  })

  it('holds no token, and no refusal', async () => {
    const { verifier } = counting()
    const token = await idp.sign({ claims: { aud: 'x' } })
    await verifier.verifyToken(token).catch(() => {})
    expect(verifier.peekCached(token)).toBeUndefined()
  })

  it('asks the clock at each hit', async () => {
    let time = Date.now()
    const { verifier } = counting({ now: () => time })
    const exp = Math.floor(time / 1000) + 10
    const token = await idp.sign({ claims: { exp } })
    await verifier.verifyToken(token)
    time = exp * 1000 - 1
    expect(verifier.peekCached(token)).toBeDefined()
    time = exp * 1000
    expect(verifier.peekCached(token)).toBeUndefined()
    time = exp * 1000 + 5_001
    await expect(verifier.verifyToken(token)).rejects.toMatchObject({ details: { reason: 'expired' } })
  })

  it('verifies again after a minute at the latest, though the token lives longer', async () => {
    let time = Date.now()
    const { verifier, counter } = counting({ now: () => time })
    const token = await idp.sign({ claims: { exp: Math.floor(time / 1000) + 3_600 } })
    await verifier.verifyToken(token)
    time += 59_999
    await verifier.verifyToken(token)
    expect(counter.verifications).toBe(1)
    time += 2
    await verifier.verifyToken(token)
    expect(counter.verifications).toBe(2)
  })

  it('does not hand a token out before its nbf when the clock goes back', async () => {
    let time = Date.now()
    const { verifier } = counting({ now: () => time })
    const token = await idp.sign()
    await verifier.verifyToken(token)
    time -= 60_000
    expect(verifier.peekCached(token)).toBeUndefined()
    await expect(verifier.verifyToken(token)).rejects.toMatchObject({ details: { reason: 'not-yet-valid' } })
  })

  it('drops the least recently used when it is full', async () => {
    const { verifier } = counting({ cache: { maxEntries: 2 } })
    const [one, two, three] = await Promise.all([idp.sign(), idp.sign(), idp.sign()])
    await verifier.verifyToken(one)
    await verifier.verifyToken(two)
    await verifier.verifyToken(one)
    await verifier.verifyToken(three)
    expect(verifier.peekCached(two)).toBeUndefined()
    expect(verifier.peekCached(one)).toBeDefined()
    expect(verifier.peekCached(three)).toBeDefined()
  })

  it('drops the tokens of one tenant and keeps those of others', async () => {
    const { verifier } = counting()
    const a = await idp.sign()
    const b = await idp.sign({ claims: { org_id: 'tenant-b' } })
    await verifier.verifyToken(a)
    await verifier.verifyToken(b)
    verifier.invalidateTenant('tenant-a')
    expect(verifier.peekCached(a)).toBeUndefined()
    expect(verifier.peekCached(b)).toBeDefined()
  })

  it("drops the tokens of one tenant by the directory's id, once it was told", async () => {
    const { verifier } = counting()
    const a = await idp.sign()
    const b = await idp.sign({ claims: { org_id: 'tenant-b' } })
    await verifier.authorize(await verifier.verifyToken(a), { id: 'id-of-a' })
    await verifier.authorize(await verifier.verifyToken(b), { id: 'id-of-b' })
    verifier.invalidateTenant('id-of-nobody')
    expect(verifier.peekCached(a)).toBeDefined()
    verifier.invalidateTenant('id-of-a')
    expect(verifier.peekCached(a)).toBeUndefined()
    expect(verifier.peekCached(b)).toBeDefined()
  })

  it('does not store a token whose tenant was dropped while it was being verified', async () => {
    const { verifier } = counting()
    const token = await idp.sign()
    const running = verifier.verifyToken(token)
    verifier.invalidateTenant('tenant-a')
    await running
    expect(verifier.peekCached(token)).toBeUndefined()
  })

  it('refuses a revoked jti at once, also under another spelling of the header', async () => {
    const { verifier } = counting()
    const token = await idp.sign({ claims: { jti: 'j-9' } })
    const twin = await idp.sign({ claims: { jti: 'j-9' }, header: { typ: 'JWT' } })
    await verifier.verifyToken(token)
    verifier.revoke('j-9')
    expect(verifier.peekCached(token)).toBeUndefined()
    for (const each of [token, twin]) {
      await expect(verifier.verifyToken(each)).rejects.toMatchObject({ details: { reason: 'revoked' } })
    }
  })

  it('refuses a token that was revoked while it was being verified', async () => {
    const { verifier } = counting()
    const token = await idp.sign({ claims: { jti: 'j-10' } })
    const running = verifier.verifyToken(token)
    verifier.revoke('j-10')
    await expect(running).rejects.toMatchObject({ details: { reason: 'revoked' } })
  })

  it('can be turned off', async () => {
    const { verifier, counter } = counting({ cache: { maxEntries: 0 } })
    const token = await idp.sign()
    await verifier.verifyToken(token)
    await verifier.verifyToken(token)
    expect(counter.verifications).toBe(2)
  })

  it('shares claims that no request can change', async () => {
    const verifier = createTokenVerifier({
      ...idp.localOptions(),
      claims: () => ({ limits: { rows: 1 }, list: [{ a: 1 }] }),
    })
    const { claims } = await verifier.verifyToken(await idp.sign())
    expect(() => Object.assign(claims.limits, { rows: 2 })).toThrow(TypeError)
    expect(() => claims.list.push({ a: 2 })).toThrow(TypeError)
  })
})

describe('TokenCache', () => {
  it('stays bounded in both its maps under a flood', () => {
    const cache = new TokenCache<number>({ maxEntries: 100, ttlMs: 60_000, toleranceMs: 0, now: Date.now })
    for (let n = 0; n < 10_000; n++) {
      const entry = {
        issuer: 'i',
        tenantClaim: `t${n}`,
        tokenId: undefined,
        notBeforeMs: 0,
        expiresAtMs: 9e15,
        value: n,
      }
      cache.set(cache.keyOf(`token ${n}`), entry, cache.generation)
    }
    expect(cache.size).toBe(100)
    expect(cache.get(cache.keyOf('token 9999'))?.value).toBe(9999)
    expect(cache.get(cache.keyOf('token 9899'))).toBeUndefined()
  })
})
