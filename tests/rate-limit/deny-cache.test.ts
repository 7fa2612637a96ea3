import { describe, expect, it } from 'vitest'
import { uncounted } from '../../src/rate-limit/decision.ts'
import { createDenyCache } from '../../src/rate-limit/deny-cache.ts'
import type { Scope } from '../../src/rate-limit/store.ts'

const limits = { perMinute: 60, perDay: 1000, burst: 10 }
const scope = (key: string, own = limits): Scope => ({ kind: 'tenant', key, limits: own })
const decision = uncounted('closed', 'free')
const MINUTE = 60_000_000

describe('the cache of refusals', () => {
  it('holds a refusal for a second and not a moment longer, however long the wait', () => {
    let now = 0
    const cache = createDenyCache(1000, 10, () => now)
    cache.add([scope('a')], [MINUTE], 1, decision)
    now = 999.9
    expect(cache.find([scope('a')], 1)).toBe(decision)
    now = 1000
    expect(cache.find([scope('a')], 1)).toBeUndefined()
    expect(cache.empty).toBe(true)
  })

  it('forgets a refusal no later than the store would admit again', () => {
    let now = 0
    const cache = createDenyCache(1000, 10, () => now)
    cache.add([scope('a')], [200_999], 1, decision)
    now = 199
    expect(cache.find([scope('a')], 1)).toBe(decision)
    now = 200
    expect(cache.find([scope('a')], 1)).toBeUndefined()
    // Less than a millisecond is not worth an entry.
    cache.add([scope('a')], [999], 1, decision)
    expect(cache.empty).toBe(true)
  })

  it('knows nothing of a cheaper request, of other limits, or of scopes that did not refuse', () => {
    const cache = createDenyCache(1000, 10, () => 0)
    cache.add([scope('a'), scope('a:u:1')], [0, MINUTE], 5, decision)
    expect(cache.find([scope('a')], 5)).toBeUndefined()
    expect(cache.find([scope('a'), scope('a:u:1')], 4)).toBeUndefined()
    expect(cache.find([scope('a'), scope('a:u:1')], 5)).toBe(decision)
    expect(cache.find([scope('a'), scope('a:u:1', { ...limits })], 5)).toBeUndefined()
  })

  it('keeps a bounded number of refusals, the newest', () => {
    const cache = createDenyCache(1000, 3, () => 0)
    for (const key of ['a', 'b', 'c', 'd']) cache.add([scope(key)], [MINUTE], 1, decision)
    expect(['a', 'b', 'c', 'd'].map((key) => cache.find([scope(key)], 1) !== undefined)).toEqual([
      false,
      true,
      true,
      true,
    ])
  })
})
