import { describe, expect, it } from 'vitest'
import { AuthenticationError, DependencyUnavailableError } from '../../src/errors.ts'
import { createSecurityEvents } from '../../src/events/security-events.ts'
import { createBreaker } from '../../src/resilience/breaker.ts'
import { isInfrastructureFailure } from '../../src/resilience/infrastructure-failure.ts'

const down = () => Promise.reject(Object.assign(new Error('connect'), { code: 'ECONNREFUSED' }))
const up = () => Promise.resolve('answer')
const until = async (condition: () => boolean) => {
  const end = Date.now() + 5_000
  while (!condition()) {
    if (Date.now() > end) throw new Error('the condition did not come true')
    await new Promise((resolve) => setTimeout(resolve, 5))
  }
}

function breakerWithEvents(options: { openForMs?: number; timeoutMs?: number } = {}) {
  const events = createSecurityEvents()
  const seen: string[] = []
  events.on('*', (event) => seen.push(event.type))
  return { seen, breaker: createBreaker({ dependency: 'directory', failures: 2, openForMs: 20, ...options, events }) }
}

describe('createBreaker', () => {
  it('passes answers and errors through unchanged while closed', async () => {
    const { breaker } = breakerWithEvents()
    expect(await breaker.run(up)).toBe('answer')
    await expect(breaker.run(down)).rejects.toMatchObject({ code: 'ECONNREFUSED' })
    expect(breaker.state).toBe('closed')
  })

  it('asks a dependency that is down no more, and says so once', async () => {
    const { breaker, seen } = breakerWithEvents({ openForMs: 60_000 })
    for (let n = 0; n < 2; n++) await breaker.run(down).catch(() => {})
    expect(breaker.state).toBe('open')
    let asked = 0
    await expect(
      breaker.run(async () => {
        asked++
      }),
    ).rejects.toMatchObject({
      code: 'PARTYWALL_DEPENDENCY_UNAVAILABLE',
      status: 503,
      details: { reason: 'breaker-open' },
    })
    expect(asked).toBe(0)
    expect(seen).toEqual(['BREAKER_OPEN'])
  })

  it('closes when a probe is answered, and says so', async () => {
    const { breaker, seen } = breakerWithEvents()
    for (let n = 0; n < 2; n++) await breaker.run(down).catch(() => {})
    await expect.poll(() => breaker.run(up).catch(() => undefined), { timeout: 5_000, interval: 10 }).toBe('answer')
    expect(breaker.state).toBe('closed')
    expect(seen).toEqual(['BREAKER_OPEN', 'BREAKER_CLOSED'])
  })

  it('says once that it is open, however many probes fail', async () => {
    const { breaker, seen } = breakerWithEvents({ openForMs: 1 })
    let probes = 0
    const fail = () => {
      probes++
      return down()
    }
    await expect
      .poll(
        async () => {
          await breaker.run(fail).catch(() => {})
          return probes
        },
        { timeout: 5_000 },
      )
      .toBeGreaterThan(4)
    expect(seen).toEqual(['BREAKER_OPEN'])
  })

  it('lets nobody wait behind a probe that hangs', async () => {
    const { breaker } = breakerWithEvents()
    for (let n = 0; n < 2; n++) await breaker.run(down).catch(() => {})
    let release = () => {}
    const gate = new Promise<void>((resolve) => {
      release = resolve
    })
    const probes: Promise<unknown>[] = []
    await until(() => {
      probes.push(breaker.run(() => gate).catch(() => {}))
      return breaker.state === 'half-open'
    })
    const started = performance.now()
    await expect(breaker.run(up)).rejects.toBeInstanceOf(DependencyUnavailableError)
    expect(performance.now() - started).toBeLessThan(1_000)
    expect(breaker.state).toBe('half-open')
    release()
    await Promise.all(probes)
    expect(breaker.state).toBe('closed')
  })

  it('counts a call that takes too long as failed, and aborts it', async () => {
    const { breaker } = breakerWithEvents({ timeoutMs: 30, openForMs: 60_000 })
    const signals: AbortSignal[] = []
    const hang = (signal: AbortSignal) => {
      signals.push(signal)
      return new Promise<never>(() => {})
    }
    for (let n = 0; n < 2; n++) {
      await expect(breaker.run(hang)).rejects.toMatchObject({ details: { reason: 'timeout' } })
    }
    expect(breaker.state).toBe('open')
    expect(signals.every((signal) => signal.aborted)).toBe(true)
  })

  it('is not opened by refusals, SQL errors of one statement or bugs', async () => {
    const { breaker } = breakerWithEvents()
    const answers = [
      new AuthenticationError('no'),
      Object.assign(new Error('duplicate key'), { code: '23505' }),
      new TypeError('x is not a function'),
    ]
    for (let round = 0; round < 3; round++) {
      for (const error of answers) await breaker.run(() => Promise.reject(error)).catch(() => {})
    }
    expect(breaker.state).toBe('closed')
  })
})

describe('isInfrastructureFailure', () => {
  it.each([
    ['a refused connection', Object.assign(new Error('x'), { code: 'ECONNREFUSED' }), true],
    ['an error without a code, as pg throws for a broken socket', new Error('Connection terminated'), true],
    ['a server that shuts down', Object.assign(new Error('x'), { code: '57P01' }), true],
    ['too many connections', Object.assign(new Error('x'), { code: '53300' }), true],
    ['a fetch that failed', new TypeError('fetch failed', { cause: new Error('x') }), true],
    ['something thrown that is no error', 'oops', true],
    ['our own unavailability', new DependencyUnavailableError('x'), true],
    ['a refusal', new AuthenticationError('x'), false],
    ['a missing privilege', Object.assign(new Error('x'), { code: '42501' }), false],
    ['a statement that was cancelled', Object.assign(new Error('x'), { code: '57014' }), false],
    ['a bug', new RangeError('x'), false],
  ])('judges %s', (_, error, expected) => {
    expect(isInfrastructureFailure(error)).toBe(expected)
  })
})
