import { DependencyUnavailableError } from '../errors.ts'
import type { Counters } from './bucket.ts'
import { OVERRIDE_BYTES, STATE_BYTES } from './decision-script.ts'
import type { ScopeReply, StoreReply } from './store.ts'

/** Reads the packed answer of a decision over so many scopes. */
export function readReply(reply: unknown, scopes: number): StoreReply {
  const size = 9 + scopes * STATE_BYTES
  if (!Buffer.isBuffer(reply) || reply.length < size) {
    throw new DependencyUnavailableError('Redis answered a rate-limit decision with something else.')
  }
  const replies: ScopeReply[] = []
  for (let offset = 9; offset < size; offset += STATE_BYTES) {
    const counters: Counters = {
      windowStart: reply.readDoubleLE(offset),
      fullAt: reply.readDoubleLE(offset + 8),
      inMinute: reply.readUInt32LE(offset + 16),
      day: reply.readUInt32LE(offset + 20),
      inDay: reply.readUInt32LE(offset + 24),
    }
    if (offset > 9 || reply.length < size + OVERRIDE_BYTES) replies.push({ counters })
    else {
      const limits = {
        perMinute: reply.readUInt32LE(size),
        perDay: reply.readUInt32LE(size + 4),
        burst: reply.readUInt32LE(size + 8),
      }
      replies.push({ counters, override: { limits, untilSeconds: reply.readUInt32LE(size + 12) } })
    }
  }
  return { admitted: reply[0] === 1, now: reply.readDoubleLE(1), scopes: replies }
}
