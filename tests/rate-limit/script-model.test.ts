import fc from 'fast-check'
import { Redis } from 'ioredis'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { DAY_MICROS, MINUTE_MICROS } from '../../src/rate-limit/bucket.ts'
import { DECISIONS_WITH_DRIVEN_CLOCK, OVERRIDE, RESET } from '../../src/rate-limit/decision-script.ts'
import type { Limits } from '../../src/rate-limit/limits.ts'
import { createMemoryStore } from '../../src/rate-limit/memory-store.ts'
import { readReplies } from '../../src/rate-limit/redis-reply.ts'
import type { Scope } from '../../src/rate-limit/store.ts'
import { redisForTests } from '../setup/redis.ts'

// Ahead of the server's clock: a key whose day is over would vanish at once.
const START = (Math.floor(Date.now() / 86_400_000) + 400) * DAY_MICROS

let server: Awaited<ReturnType<typeof redisForTests>>
let redis: Redis
beforeAll(async () => {
  server = await redisForTests()
  redis = new Redis(server.url)
})
afterAll(async () => {
  redis.disconnect()
  await server.stop()
})

const limits: fc.Arbitrary<Limits> = fc
  .record({ perMinute: fc.integer({ min: 1, max: 8000 }), burst: fc.integer({ min: 1, max: 50 }), day: fc.nat(200) })
  .map(({ perMinute, burst, day }) => ({
    perMinute,
    burst: Math.min(burst, perMinute),
    perDay: day === 0 ? 0 : Math.max(perMinute, day * 20),
  }))

const step = fc.record({
  // Mostly small steps; sometimes to an edge, across a day, or back in time.
  advance: fc.oneof(
    { weight: 6, arbitrary: fc.nat(3_000_000) },
    { weight: 2, arbitrary: fc.constantFrom(0, 1, MINUTE_MICROS - 1, MINUTE_MICROS, MINUTE_MICROS + 1) },
    { weight: 1, arbitrary: fc.constantFrom(DAY_MICROS, DAY_MICROS - 1, 3 * DAY_MICROS) },
    { weight: 1, arbitrary: fc.integer({ min: -2 * DAY_MICROS, max: 0 }) },
  ),
  cost: fc.oneof({ weight: 6, arbitrary: fc.constant(1) }, { weight: 2, arbitrary: fc.nat(60) }),
  scopes: fc.integer({ min: 1, max: 3 }),
  // Decisions in one call: of two tenants in turn, so that some meet the same counters again.
  decisions: fc.oneof(
    { weight: 3, arbitrary: fc.constant(1) },
    { weight: 1, arbitrary: fc.integer({ min: 2, max: 6 }) },
  ),
  smaller: fc.boolean(),
  hand: fc.oneof(
    { weight: 12, arbitrary: fc.constant('none') },
    { weight: 1, arbitrary: fc.constantFrom('override', 'end', 'reset') },
  ),
})

describe('the script', () => {
  it('decides exactly as the model in JavaScript, whatever the clock, the limits and the requests', async () => {
    let run = 0
    await fc.assert(
      fc.asyncProperty(
        fc.tuple(limits, limits, limits),
        limits,
        fc.array(step, { minLength: 1, maxLength: 40 }),
        async (perScope, other, steps) => {
          run++
          let now = START
          const model = createMemoryStore({ nowMicros: () => now })
          const keysOf = (tenant: number) => ['', ':u:1', ':r:2'].map((suffix) => `{${run}-${tenant}}${suffix}`)
          for (const { advance, cost, scopes: count, decisions, smaller, hand } of steps) {
            now = Math.max(START, now + advance)
            await byHand(hand, keysOf(0)[0] ?? '', other, model)
            const kinds = ['tenant', 'user', 'route'] as const
            const scopesOf = (tenant: number): Scope[] =>
              kinds.slice(0, count).map((kind, index) => {
                const own = perScope[index] ?? other
                return {
                  kind,
                  key: keysOf(tenant)[index] ?? '',
                  limits: smaller ? { ...own, burst: Math.max(1, own.burst >> 1) } : own,
                }
              })
            const asked = Array.from({ length: decisions }, (_, index) => scopesOf(index % 2))
            const script = DECISIONS_WITH_DRIVEN_CLOCK[count - 1]
            const args = scopesOf(0).flatMap(({ limits }) => [limits.perMinute, limits.perDay, limits.burst])
            const keys = asked.flat().map((scope) => `m:${scope.key}`)
            const raw = await redis.callBuffer('EVAL', script?.text ?? '', keys.length, ...keys, now, cost, ...args)
            const expected = []
            for (const scopes of asked) expected.push(await model.decide(scopes, cost))
            expect(readReplies(raw, decisions, count)).toEqual(expected)
          }
        },
      ),
      { numRuns: 150 },
    )
  })
})

async function byHand(
  what: string,
  key: string,
  other: Limits,
  model: ReturnType<typeof createMemoryStore>,
): Promise<void> {
  if (what === 'override') {
    await redis.eval(OVERRIDE.text, 1, `m:${key}`, other.perMinute, other.perDay, other.burst, 0)
    await model.override(key, { limits: other, untilSeconds: 0 })
  } else if (what === 'end') {
    await redis.eval(OVERRIDE.text, 1, `m:${key}`)
    await model.override(key, undefined)
  } else if (what === 'reset') {
    await redis.eval(RESET.text, 1, `m:${key}`)
    await model.reset([key])
  }
}
