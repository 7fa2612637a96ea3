// Question: how much faster is a token from the cache than a verification of its signature? Compared: `verifyToken` on a token in the
// cache, and jose's `jwtVerify` of the same ES256 token with the key in memory (a CryptoKey, its fastest form) and the usual options. A
// check before the measurement shows that both return the same claims. If the ratio is below 30, the cache is not worth its risk: after a
// revocation in another process, a cached token is accepted for up to a minute.
import { exportJWK, generateKeyPair, jwtVerify, SignJWT } from 'jose'
import { createTokenVerifier } from '../src/auth/jwt.ts'
import type { Bench, BenchReport } from './harness/contract.ts'
import { judge, median } from './harness/ratio.ts'

const ISSUER = 'https://idp.example'
const AUDIENCE = 'https://api.example'
const TOKENS = 64
const BATCH_MS = 300

/** Makes calls one after the other for a given time. @returns microseconds per call */
async function microsecondsPer(
  call: (index: number) => Promise<unknown>,
  forMs: number,
  step: number,
): Promise<number> {
  const started = performance.now()
  const end = started + forMs
  let calls = 0
  while (performance.now() < end) {
    for (let n = 0; n < step; n++) await call(calls + n)
    calls += step
  }
  return ((performance.now() - started) * 1000) / calls
}

export const bench: Bench = {
  name: 'token-cache',
  question: 'What does a token from the cache cost, next to jose verifying it (ES256)?',
  async run({ runs, log }): Promise<BenchReport> {
    const { privateKey, publicKey } = await generateKeyPair('ES256', { extractable: true })
    const jwk = { ...(await exportJWK(publicKey)), kid: 'k1', alg: 'ES256' }
    const sign = (n: number) =>
      new SignJWT({ org_id: `tenant-${n}`, roles: ['admin'] })
        .setProtectedHeader({ alg: 'ES256', kid: 'k1', typ: 'at+jwt' })
        .setIssuer(ISSUER)
        .setAudience(AUDIENCE)
        .setSubject('user-1')
        .setIssuedAt()
        .setExpirationTime('1h')
        .sign(privateKey)
    const tokens = await Promise.all(Array.from({ length: TOKENS }, (_, n) => sign(n)))
    const token = (n: number) => tokens[n % TOKENS] ?? ''

    const verifier = createTokenVerifier({
      issuer: ISSUER,
      keys: { jwks: { keys: [jwk] } },
      algorithms: ['ES256'],
      audience: AUDIENCE,
      tenantClaims: { tenant: 'org_id', roles: 'roles' },
    })
    const uncached = createTokenVerifier({
      issuer: ISSUER,
      keys: { jwks: { keys: [jwk] } },
      algorithms: ['ES256'],
      audience: AUDIENCE,
      tenantClaims: { tenant: 'org_id', roles: 'roles' },
      cache: { maxEntries: 0 },
    })
    const cached = (n: number) => verifier.verifyToken(token(n))
    const full = (n: number) => uncached.verifyToken(token(n))
    const options = { issuer: ISSUER, audience: AUDIENCE, algorithms: ['ES256'], requiredClaims: ['exp'] }
    const jose = (n: number) => jwtVerify(token(n), publicKey, options)

    const failures: string[] = []
    for (let n = 0; n < TOKENS; n++) {
      const [ours, again, theirs] = [await cached(n), await cached(n), await jose(n)]
      if (ours !== again) failures.push('the second call did not come from the cache')
      if (ours.tenantClaim !== theirs.payload['org_id']) failures.push('the sides read different tenants')
    }

    const rows: { cachedUs: number; joseUs: number; verifierUs: number }[] = []
    for (let run = 0; run < runs; run++) {
      const cachedUs = await microsecondsPer(cached, BATCH_MS, TOKENS)
      const joseUs = await microsecondsPer(jose, BATCH_MS, 16)
      const verifierUs = await microsecondsPer(full, BATCH_MS, 16)
      rows.push({ cachedUs, joseUs, verifierUs })
      log(
        `run ${run + 1}: cache ${cachedUs.toFixed(2)} us, jose ${joseUs.toFixed(0)} us, whole verifier ${verifierUs.toFixed(0)} us`,
      )
    }
    verifier.close()
    uncached.close()
    return {
      goals: [
        judge(
          'verified token from the cache, x jose verifying it (ES256)',
          rows.map(({ cachedUs, joseUs }) => joseUs / cachedUs),
          30,
        ),
      ],
      details: {
        cachedUs: median(rows.map(({ cachedUs }) => cachedUs)),
        joseUs: median(rows.map(({ joseUs }) => joseUs)),
        verifierWithoutCacheUs: median(rows.map(({ verifierUs }) => verifierUs)),
        tokens: TOKENS,
        tokenBytes: token(0).length,
      },
      failures,
    }
  },
}
