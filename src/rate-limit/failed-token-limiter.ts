import { z } from 'zod'
import { parseOptions } from '../config/parse-options.ts'
import { admit, type Counters, settle, waits } from './bucket.ts'
import { addressBlock } from './client-address.ts'
import { toLimits } from './limits.ts'

export interface FailedTokenLimiterOptions {
  /** Maximum number of failures in a minute from one client address. After more failures the answer is 429. Default 30. */
  readonly failuresPerMinute?: number
  /** Number of failures that are allowed at once. Default 10. */
  readonly burstSize?: number
  /** Maximum number of addresses that are remembered. The least recently seen address is forgotten first. Default 50_000. */
  readonly maxAddresses?: number
  /** Microseconds; default: a monotonic clock. */
  readonly nowMicros?: () => number
}

/** The answer to a token that did not verify: 401 or 429. */
export interface FailedTokenVerdict {
  /** True: answer 429 with `Retry-After`. False: answer 401. */
  readonly limited: boolean
  readonly retryAfterSeconds: number
}

/** Counts tokens that did not verify, by client address; see {@link createFailedTokenLimiter}. */
export interface FailedTokenLimiter {
  /** Call it after a token failed, never before it was verified. @param address the client's address as the framework reports it, such as `req.ip` */
  recordFailure(address: string | undefined): FailedTokenVerdict
  /**
   * Whether the address has used up its failures. Use it only to save work, such as logging, and never to refuse a token before it was
   * verified.
   */
  isLimited(address: string | undefined): boolean
}

const schema = z.strictObject({
  failuresPerMinute: z.int().min(1).max(1_000_000).default(30),
  burstSize: z.int().min(1).max(1_000_000).default(10),
  maxAddresses: z.int().min(1).max(10_000_000).default(50_000),
})

/**
 * Limits guessing of tokens before a tenant is known. It counts only failures, by client address (IPv6 by /64), in this process.
 *
 * The limiter never refuses a token that verifies, even if an attacker shares the address, because it is called only after a failure. It
 * makes no round trip, so a flood of bad tokens does not reach Redis.
 *
 * @throws {ConfigurationError} `PARTYWALL_CONFIGURATION`
 */
export function createFailedTokenLimiter(options: FailedTokenLimiterOptions = {}): FailedTokenLimiter {
  const { nowMicros = () => Math.floor((performance.timeOrigin + performance.now()) * 1000), ...rest } = options
  const settings = parseOptions(schema, rest, 'createFailedTokenLimiter(options)')
  const limits = toLimits({
    requestsPerMinute: settings.failuresPerMinute,
    burstSize: Math.min(settings.burstSize, settings.failuresPerMinute),
  })
  const addresses = new Map<string, Counters>()

  function standing(block: string, now: number): Counters {
    return settle(addresses.get(block), limits, now)
  }

  return {
    recordFailure(address) {
      const block = addressBlock(address)
      const now = nowMicros()
      const counters = standing(block, now)
      const after = admit(counters, limits, 1, now)
      if (after === undefined) {
        const wait = waits(counters, limits, 1, now)
        return { limited: true, retryAfterSeconds: Math.ceil(Math.max(wait.burst, wait.minute) / 1_000_000) }
      }
      addresses.delete(block)
      addresses.set(block, after)
      if (addresses.size > settings.maxAddresses) {
        for (const oldest of addresses.keys()) {
          addresses.delete(oldest)
          break
        }
      }
      return { limited: false, retryAfterSeconds: 0 }
    },
    isLimited(address) {
      const now = nowMicros()
      return admit(standing(addressBlock(address), now), limits, 1, now) === undefined
    },
  }
}
