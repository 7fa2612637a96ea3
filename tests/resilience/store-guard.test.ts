import { describe, expect, it } from 'vitest'
import {
  createStoreGuard,
  type FailureKind,
  type GuardState,
  isStoreTimeout,
} from '../../src/resilience/store-guard.ts'

class Failure extends Error {
  readonly kind: FailureKind
  constructor(kind: FailureKind) {
    super(kind)
    this.kind = kind
  }
}

function guardOf() {
  const clock = { now: 0 }
  const states: GuardState[] = []
  const guard = createStoreGuard({
    timeoutMs: 50,
    failures: 3,
    probeAfterMs: 1000,
    now: () => clock.now,
    kindOf: (error) => (error instanceof Failure ? error.kind : 'passing'),
    onState: (state) => states.push(state),
  })
  let calls = 0
  const outcome = (call: () => Promise<string>, proves = true) =>
    guard
      .run(
        () => {
          calls++
          return call()
        },
        () => proves,
      )
      .catch((error: Error) => error.message)
  const fail = (kind: FailureKind) => outcome(() => Promise.reject(new Failure(kind)))
  const succeed = (proves = true) => outcome(async () => 'ok', proves)
  return { clock, states, guard, outcome, fail, succeed, calls: () => calls }
}

describe('the guard of a store', () => {
  it('opens after so many failures in a row, and a success between them begins anew', async () => {
    const { guard, fail, succeed } = guardOf()
    await fail('passing')
    await fail('passing')
    await succeed()
    await fail('passing')
    await fail('passing')
    expect(guard.state).toBe('closed')
    await fail('passing')
    expect(guard.state).toBe('open')
  })

  it('opens at once for what asking again can’t cure, and never for what is not the store’s fault', async () => {
    const { guard, fail } = guardOf()
    for (let i = 0; i < 10; i++) await fail('ours')
    expect(guard.state).toBe('closed')
    await fail('final')
    expect(guard.state).toBe('open')
  })

  it('asks an open store nothing, then lets one call through and fails all others meanwhile', async () => {
    const { clock, guard, outcome, fail, succeed, calls } = guardOf()
    await fail('final')
    for (let i = 0; i < 5; i++) expect(await succeed()).not.toBe('ok')
    expect(calls()).toBe(1)
    clock.now = 1000
    let answer: (value: string) => void = () => {}
    const probe = outcome(
      () =>
        new Promise((resolve) => {
          answer = resolve
        }),
    )
    expect(guard.state).toBe('half-open')
    expect(await succeed()).not.toBe('ok')
    expect(calls()).toBe(2)
    answer('probed')
    expect(await probe).toBe('probed')
    expect(guard.state).toBe('closed')
  })

  it('stays open when the probe fails, and waits again', async () => {
    const { clock, guard, fail, succeed } = guardOf()
    await fail('final')
    clock.now = 1000
    await fail('passing')
    expect(guard.state).toBe('open')
    clock.now = 1999
    expect(await succeed()).not.toBe('ok')
    clock.now = 2000
    expect(await succeed()).toBe('ok')
    expect(guard.state).toBe('closed')
  })

  it('is not closed by an answer that proves nothing, and lets the next call probe at once', async () => {
    const { clock, guard, fail, succeed } = guardOf()
    await fail('final')
    clock.now = 1000
    expect(await succeed(false)).toBe('ok')
    expect(guard.state).toBe('open')
    expect(await succeed(true)).toBe('ok')
    expect(guard.state).toBe('closed')
  })

  it('gives up a call that takes too long, and forgets its late answer', async () => {
    const guard = createStoreGuard({
      timeoutMs: 20,
      failures: 1,
      probeAfterMs: 60_000,
      kindOf: () => 'passing',
      onState: () => {},
    })
    let answer: (value: string) => void = () => {}
    const late = new Promise<string>((resolve) => {
      answer = resolve
    })
    const error: unknown = await guard
      .run(
        () => late,
        () => true,
      )
      .catch((reason: unknown) => reason)
    expect(isStoreTimeout(error)).toBe(true)
    answer('late')
    await late
    expect(guard.state).toBe('open')
  })

  it('takes an answer that lay unread while the process stalled', async () => {
    const guard = createStoreGuard({
      timeoutMs: 30,
      failures: 1,
      probeAfterMs: 1000,
      kindOf: () => 'passing',
      onState: () => {},
    })
    // A socket of its own that answers after 5 ms, while this thread is busy for 80 ms.
    const { createServer, connect } = await import('node:net')
    const server = createServer((socket) => socket.end('answer'))
    await new Promise<void>((resolve) => {
      server.listen(0, '127.0.0.1', resolve)
    })
    const address = server.address()
    const port = typeof address === 'object' && address !== null ? address.port : 0
    const call = guard.run(
      () =>
        new Promise<string>((resolve, reject) => {
          const socket = connect(port, '127.0.0.1')
          socket.on('error', reject)
          socket.on('data', (chunk) => resolve(chunk.toString()))
          socket.on('connect', () => {
            const until = performance.now() + 80
            while (performance.now() < until);
          })
        }),
      () => true,
    )
    expect(await call).toBe('answer')
    server.close()
  })

  it('turns a call that throws into a rejection', async () => {
    const { outcome } = guardOf()
    expect(
      await outcome(() => {
        throw new Failure('ours')
      }),
    ).toBe('ours')
  })
})
