import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import type { TokenVerifier } from '../../src/auth/credential-verifier.ts'
import { createTokenVerifier } from '../../src/auth/jwt.ts'
import type { KeyRefreshOptions } from '../../src/auth/options.ts'
import { createSecurityEvents } from '../../src/events/security-events.ts'
import { silentLogger } from '../../src/logger/logger.ts'
import { startIssuer, type TestIssuer } from '../setup/issuer.ts'

let idp: TestIssuer
const verifiers: TokenVerifier[] = []
const seen: string[] = []
beforeEach(async () => {
  idp = await startIssuer()
})
afterEach(async () => {
  for (const verifier of verifiers.splice(0)) verifier.close()
  seen.length = 0
  await idp.close()
})

function remote(keyRefresh: KeyRefreshOptions = {}, now?: () => number): TokenVerifier {
  const events = createSecurityEvents()
  events.on('*', (event) => seen.push(event.type))
  const verifier = createTokenVerifier({
    ...idp.localOptions(),
    keys: { jwksUrl: idp.jwksUrl },
    keyRefresh,
    // Without the cache every token needs its key.
    cache: { maxEntries: 0 },
    logger: silentLogger,
    events,
    now,
  })
  verifiers.push(verifier)
  return verifier
}

const outage = { code: 'PARTYWALL_DEPENDENCY_UNAVAILABLE', status: 503 }
const refused = (reason: string) => ({ code: 'PARTYWALL_AUTHENTICATION', status: 401, details: { reason } })

/** A token whose key the endpoint does not publish. */
async function foreignToken(): Promise<string> {
  return idp.sign({ header: { kid: `unknown-${Math.random()}` } })
}

describe('remote keys', () => {
  it('are not fetched before they are needed, and then once for many callers', async () => {
    const { verifyToken } = remote()
    const token = await idp.sign()
    expect(idp.requests).toBe(0)
    await Promise.all(Array.from({ length: 50 }, () => verifyToken(token)))
    expect(idp.requests).toBe(1)
  })

  it('are reachable when ready() resolves', async () => {
    const verifier = remote()
    await verifier.ready()
    expect(idp.requests).toBe(1)
  })

  it.each(['fail', 'empty', 'garbage', 'redirect', 'cut', 'huge'] as const)(
    'answer 503, not 401, when the endpoint says %s at the start',
    async (mode) => {
      // So long that a document without an end must be given up for its size.
      const verifier = remote({ timeoutMs: 25_000 })
      idp.setMode(mode)
      await expect(verifier.verifyToken(await idp.sign())).rejects.toMatchObject(outage)
      await expect(verifier.ready()).rejects.toMatchObject({ ...outage, details: { problems: [idp.issuer] } })
      expect(seen.filter((type) => type === 'AUTHENTICATION_FAILED')).toEqual([])
    },
  )

  it('let nobody queue behind an endpoint that hangs from the start', async () => {
    const { verifyToken } = remote({ timeoutMs: 20_000, retryMs: 60_000 })
    idp.setMode('hang')
    const token = await idp.sign()
    let settled = 0
    const outcomes = Array.from({ length: 1_100 }, () =>
      expect(
        verifyToken(token).finally(() => {
          settled++
        }),
      ).rejects.toMatchObject(outage),
    )
    // Only so many wait for the first answer; the others are refused long before the time-out.
    await expect.poll(() => settled, { timeout: 15_000 }).toBe(100)
    await expect.poll(() => idp.requests, { timeout: 10_000 }).toBe(1)
    idp.hangUp()
    await Promise.all(outcomes)
    expect(idp.requests).toBe(1)
    // From the second caller on the outage is known.
    const started = performance.now()
    for (let n = 0; n < 20; n++) await expect(verifyToken(token)).rejects.toMatchObject(outage)
    expect(performance.now() - started).toBeLessThan(10_000)
  })

  it('let few wait for an unknown key while known ones are there', async () => {
    const { verifyToken } = remote({ unknownKeyCooldownMs: 1, timeoutMs: 20_000, retryMs: 60_000 })
    await verifyToken(await idp.sign())
    const tokens = await Promise.all(Array.from({ length: 100 }, foreignToken))
    idp.setMode('hang')
    let settled = 0
    const outcomes = tokens.map((token) =>
      expect(
        verifyToken(token).finally(() => {
          settled++
        }),
      ).rejects.toMatchObject(outage),
    )
    await expect.poll(() => settled, { timeout: 15_000 }).toBe(100 - 64)
    await expect.poll(() => idp.requests, { timeout: 10_000 }).toBe(2)
    idp.hangUp()
    await Promise.all(outcomes)
  })

  it('come back by themselves when the endpoint does', async () => {
    const { verifyToken } = remote({ retryMs: 10 })
    idp.setMode('fail')
    const token = await idp.sign()
    await expect(verifyToken(token)).rejects.toMatchObject(outage)
    idp.setMode('serve')
    await expect
      .poll(
        () =>
          verifyToken(token).then(
            (verified) => verified.userId,
            () => undefined,
          ),
        { timeout: 8_000 },
      )
      .toBe('user-1')
  })

  it.each(['fail', 'hang', 'empty', 'garbage', 'cut'] as const)(
    'go on while the endpoint says %s, and refuse unknown keys at once with 503',
    async (mode) => {
      const { verifyToken } = remote({ unknownKeyCooldownMs: 1, timeoutMs: 200, retryMs: 60_000 })
      const token = await idp.sign()
      await verifyToken(token)
      idp.setMode(mode)
      await expect
        .poll(async () => verifyToken(await foreignToken()).catch((error) => error.status), { timeout: 10_000 })
        .toBe(503)
      const before = idp.requests
      const started = performance.now()
      for (let n = 0; n < 50; n++) {
        expect((await verifyToken(token)).userId).toBe('user-1')
        await expect(verifyToken(await foreignToken())).rejects.toMatchObject(outage)
      }
      // Waiting for the hanging endpoint each time would take ten seconds.
      expect(performance.now() - started).toBeLessThan(8_000)
      expect(idp.requests).toBe(before)
    },
  )

  it('become too old after the longest staleness', async () => {
    let time = Date.now()
    const { verifyToken } = remote({ maxStaleMs: 1_000, retryMs: 60_000 }, () => time)
    const token = await idp.sign()
    await verifyToken(token)
    idp.setMode('fail')
    time += 900
    expect((await verifyToken(token)).userId).toBe('user-1')
    time += 200
    await expect(verifyToken(token)).rejects.toMatchObject(outage)
  })

  it('refuse a flood of unknown key ids without asking the endpoint', async () => {
    const { verifyToken } = remote()
    await verifyToken(await idp.sign())
    const tokens = await Promise.all(Array.from({ length: 100 }, foreignToken))
    for (const token of tokens) await expect(verifyToken(token)).rejects.toMatchObject(refused('unknown-key'))
    expect(idp.requests).toBe(1)
  })

  it('follow a rotation once the cooldown is over', async () => {
    const { verifyToken } = remote({ unknownKeyCooldownMs: 1 })
    await verifyToken(await idp.sign())
    await idp.rotate({ keepOld: true })
    await new Promise((resolve) => setTimeout(resolve, 5))
    expect((await verifyToken(await idp.sign())).userId).toBe('user-1')
    expect(idp.requests).toBe(2)
  })

  it('are refreshed in the background, so that a withdrawn key ends its cached tokens', async () => {
    const verifier = createTokenVerifier({
      ...idp.localOptions(),
      keys: { jwksUrl: idp.jwksUrl },
      keyRefresh: { refreshMs: 20 },
      logger: silentLogger,
    })
    verifiers.push(verifier)
    const token = await idp.sign()
    await verifier.verifyToken(token)
    expect(verifier.peekCached(token)).toBeDefined()
    await idp.rotate()
    await expect.poll(() => verifier.peekCached(token), { timeout: 5_000 }).toBeUndefined()
    await expect(verifier.verifyToken(token)).rejects.toMatchObject(refused('unknown-key'))
  })

  it('must be named by kid, even where there is one', async () => {
    const { verifyToken } = remote()
    const token = await idp.sign({ header: { kid: undefined } })
    await expect(verifyToken(token)).rejects.toMatchObject(refused('unknown-key'))
  })

  it('open the breaker while the endpoint is down', async () => {
    const { verifyToken } = remote({ retryMs: 5 })
    idp.setMode('fail')
    await verifyToken(await idp.sign()).catch(() => {})
    await expect.poll(() => seen.includes('BREAKER_OPEN'), { timeout: 8_000 }).toBe(true)
  })

  it('are refreshed by timers that keep no process alive', async () => {
    // Node lists only what keeps the event loop alive; the test runner has some timers of its own.
    const timers = () => process.getActiveResourcesInfo().filter((name) => name === 'Timeout').length
    const token = await idp.sign()
    const many = Array.from({ length: 20 }, () => remote())
    const before = timers()
    for (const { verifyToken } of many) await verifyToken(token)
    expect(timers()).toBeLessThan(before + 10)
  })

  it('are no more asked after close()', async () => {
    const verifier = remote({ refreshMs: 5 })
    const token = await idp.sign()
    await verifier.verifyToken(token)
    verifier.close()
    verifier.close()
    const after = idp.requests
    await expect(verifier.verifyToken(token)).rejects.toMatchObject({ code: 'PARTYWALL_CLOSED', status: 503 })
    await new Promise((resolve) => setTimeout(resolve, 50))
    expect(idp.requests).toBeLessThanOrEqual(after + 1)
  })
})

describe('a secret that is a function', () => {
  const hs = (secret: () => Promise<string>) =>
    createTokenVerifier({
      issuer: 'https://old.example',
      keys: { secret },
      algorithms: ['HS256'],
      audience: 'api',
      tenantClaims: { tenant: 'org_id' },
      logger: silentLogger,
    })

  it('is asked at first use and kept', async () => {
    let asked = 0
    const verifier = hs(async () => {
      asked++
      return 'a-secret-of-at-least-thirty-two-bytes'
    })
    verifiers.push(verifier)
    expect(asked).toBe(0)
    await verifier.ready()
    await verifier.ready()
    expect(asked).toBe(1)
  })

  it('is an outage when it fails or is too short', async () => {
    const failing = hs(() => Promise.reject(new Error('vault is sealed')))
    const short = hs(async () => 'short')
    verifiers.push(failing, short)
    await expect(failing.ready()).rejects.toMatchObject(outage)
    await expect(short.ready()).rejects.toMatchObject(outage)
  })
})
