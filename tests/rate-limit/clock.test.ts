import { describe, expect, it } from 'vitest'
import { DAY_MICROS, MINUTE_MICROS } from '../../src/rate-limit/bucket.ts'
import { createMemoryStore } from '../../src/rate-limit/memory-store.ts'
import type { Scope } from '../../src/rate-limit/store.ts'

// The memory store with a driven clock; that the Redis script does the same is proved by script-model.test.ts.
const MIDNIGHT = 20_000 * DAY_MICROS

function tenant(limits: Scope['limits']): Scope {
  return { kind: 'tenant', key: '{t}', limits }
}

function driven(limits: Scope['limits']) {
  const clock = { now: MIDNIGHT + 3600_000_000 }
  const store = createMemoryStore({ nowMicros: () => clock.now })
  async function admittedOf(count: number, own = limits): Promise<number> {
    let admitted = 0
    for (let i = 0; i < count; i++) if ((await store.decide([tenant(own)], 1)).admitted) admitted++
    return admitted
  }
  return { clock, admittedOf }
}

describe('at the edges of time', () => {
  it('a minute ends exactly 60 seconds after the request that began it', async () => {
    const { clock, admittedOf } = driven({ perMinute: 60, perDay: 1000, burst: 60 })
    expect(await admittedOf(65)).toBe(60)
    clock.now += MINUTE_MICROS - 1
    expect(await admittedOf(5)).toBe(0)
    clock.now += 1
    expect(await admittedOf(65)).toBe(60)
  })

  it('the bucket gives one token for each full token time, and no more at the edge of a window', async () => {
    const { clock, admittedOf } = driven({ perMinute: 60, perDay: 1000, burst: 10 })
    expect(await admittedOf(20)).toBe(10)
    clock.now += 999_999
    expect(await admittedOf(5)).toBe(0)
    clock.now += 1
    expect(await admittedOf(5)).toBe(1)
    clock.now += MINUTE_MICROS
    expect(await admittedOf(20)).toBe(10)
  })

  it('a day ends at midnight UTC', async () => {
    const { clock, admittedOf } = driven({ perMinute: 100, perDay: 100, burst: 100 })
    clock.now = MIDNIGHT + DAY_MICROS - 2 * MINUTE_MICROS
    expect(await admittedOf(150)).toBe(100)
    clock.now = MIDNIGHT + DAY_MICROS - 1
    expect(await admittedOf(5)).toBe(0)
    clock.now = MIDNIGHT + DAY_MICROS
    expect(await admittedOf(150)).toBe(100)
  })

  it('a clock that steps back locks nobody out for longer than the limits themselves', async () => {
    const { clock, admittedOf } = driven({ perMinute: 60, perDay: 1000, burst: 10 })
    await admittedOf(20)
    clock.now -= 3600_000_000
    expect(await admittedOf(5)).toBe(0)
    clock.now += 1_000_000
    expect(await admittedOf(5)).toBe(1)
    clock.now += MINUTE_MICROS
    expect(await admittedOf(20)).toBe(10)
  })

  it('a day counted ahead of a clock that steps back ends with the new day', async () => {
    const { clock, admittedOf } = driven({ perMinute: 100, perDay: 100, burst: 100 })
    await admittedOf(150)
    clock.now -= 3 * DAY_MICROS
    expect(await admittedOf(5)).toBe(0)
    clock.now += DAY_MICROS
    expect(await admittedOf(150)).toBe(100)
  })

  it('a changed tier refills at its own speed at once', async () => {
    const { clock, admittedOf } = driven({ perMinute: 4, perDay: 1000, burst: 4 })
    await admittedOf(5)
    const bigger = { perMinute: 6000, perDay: 100_000, burst: 20 }
    expect(await admittedOf(1, bigger)).toBe(0)
    clock.now += 10_000
    expect(await admittedOf(5, bigger)).toBe(1)
    clock.now += MINUTE_MICROS
    expect(await admittedOf(30, bigger)).toBe(20)
  })
})
