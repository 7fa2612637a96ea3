import { describe, expect, it } from 'vitest'
import { addressBlock } from '../../src/rate-limit/client-address.ts'
import { createFailedTokenLimiter } from '../../src/rate-limit/failed-token-limiter.ts'

describe('the limiter of failed tokens', () => {
  it('answers 401 to the first failures, 429 to more, and 401 again after a while', () => {
    let now = 0
    const limiter = createFailedTokenLimiter({ failuresPerMinute: 30, burstSize: 3, nowMicros: () => now })
    const limited = () => limiter.recordFailure('192.0.2.1').limited
    expect([limited(), limited(), limited(), limited()]).toEqual([false, false, false, true])
    expect(limiter.recordFailure('192.0.2.1').retryAfterSeconds).toBe(2)
    expect(limiter.isLimited('192.0.2.1')).toBe(true)
    now += 2_000_000
    expect(limiter.isLimited('192.0.2.1')).toBe(false)
    expect(limited()).toBe(false)
  })

  it('counts nothing but failures: looking never limits anybody', () => {
    const limiter = createFailedTokenLimiter({ burstSize: 1, failuresPerMinute: 1 })
    for (let i = 0; i < 100; i++) expect(limiter.isLimited('192.0.2.1')).toBe(false)
  })

  it('counts one address apart from the next, and all of a /64 as one', () => {
    const limiter = createFailedTokenLimiter({ burstSize: 1, failuresPerMinute: 1 })
    expect(limiter.recordFailure('2001:db8:0:1::1').limited).toBe(false)
    expect(limiter.recordFailure('2001:db8:0:1:ffff::2').limited).toBe(true)
    expect(limiter.recordFailure('2001:db8:0:2::1').limited).toBe(false)
    expect(limiter.recordFailure('192.0.2.1').limited).toBe(false)
    expect(limiter.recordFailure('192.0.2.2').limited).toBe(false)
  })

  it('remembers a bounded number of addresses', () => {
    const limiter = createFailedTokenLimiter({ burstSize: 1, failuresPerMinute: 1, maxAddresses: 10 })
    for (let i = 0; i < 11; i++) limiter.recordFailure(`192.0.2.${i}`)
    expect(limiter.isLimited('192.0.2.0')).toBe(false)
    expect(limiter.isLimited('192.0.2.10')).toBe(true)
  })

  it('names the option that is wrong', () => {
    expect(() => createFailedTokenLimiter({ burstSize: 0 })).toThrow(/burstSize/)
  })
})

describe('the block of a client address', () => {
  it.each([
    ['192.0.2.1', '192.0.2.1'],
    ['::ffff:192.0.2.1', '192.0.2.1'],
    ['::ffff:c000:201', '192.0.2.1'],
    ['2001:db8::1', '2001:db8:0:0::/64'],
    ['2001:0DB8:0000:0000:1:2:3:4', '2001:db8:0:0::/64'],
    ['fe80::1%eth0', 'fe80:0:0:0::/64'],
    ['::1', '0:0:0:0::/64'],
    ['::', '0:0:0:0::/64'],
    ['1:2:3:4:5:6:192.0.2.1', '1:2:3:4::/64'],
    ['not an address', 'unknown'],
    ['', 'unknown'],
    [undefined, 'unknown'],
  ])('of %s is %s', (address, block) => {
    expect(addressBlock(address)).toBe(block)
  })
})
