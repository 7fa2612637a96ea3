import { DependencyUnavailableError } from '../errors.ts'
import { ADMITTED, OVERRIDDEN, OVERRIDE_BYTES, STATE_BYTES, WRONG_TYPE } from './decision-script.ts'
import type { ScopeReply, StoreReply } from './store.ts'

/** Result of one decision of a call. An error if its key does not contain counters. */
type DecisionReply = StoreReply | Error

/** Reads the packed reply for a number of decisions with a number of scopes each. @throws if the reply has another form */
export function readReplies(reply: unknown, decisions: number, scopes: number): DecisionReply[] {
  if (!Buffer.isBuffer(reply) || reply.length < 8) throw somethingElse()
  const now = reply.readDoubleLE(0)
  const replies: DecisionReply[] = []
  let offset = 8
  for (let index = 0; index < decisions; index++) {
    const flags = reply[offset++]
    if (flags === WRONG_TYPE) {
      replies.push(new Error('WRONGTYPE A key of rate limits does not contain counters.'))
      continue
    }
    const overridden = flags !== undefined && (flags & OVERRIDDEN) > 0
    const end = offset + scopes * STATE_BYTES
    if (flags === undefined || end + (overridden ? OVERRIDE_BYTES : 0) > reply.length) throw somethingElse()
    const read: ScopeReply[] = []
    for (; offset < end; offset += STATE_BYTES) read.push({ counters: readCounters(reply, offset) })
    if (overridden) {
      const first = read[0]
      if (first !== undefined) read[0] = { counters: first.counters, override: readOverride(reply, offset) }
      offset += OVERRIDE_BYTES
    }
    replies.push({ admitted: (flags & ADMITTED) > 0, now, scopes: read })
  }
  return replies
}

function readCounters(reply: Buffer, offset: number) {
  return {
    windowStart: reply.readDoubleLE(offset),
    fullAt: reply.readDoubleLE(offset + 8),
    inMinute: reply.readUInt32LE(offset + 16),
    day: reply.readUInt32LE(offset + 20),
    inDay: reply.readUInt32LE(offset + 24),
  }
}

function readOverride(reply: Buffer, offset: number) {
  const limits = {
    perMinute: reply.readUInt32LE(offset),
    perDay: reply.readUInt32LE(offset + 4),
    burst: reply.readUInt32LE(offset + 8),
  }
  return { limits, untilSeconds: reply.readUInt32LE(offset + 12) }
}

function somethingElse(): Error {
  return new DependencyUnavailableError('Redis answered a rate-limit decision in an unknown form.')
}
