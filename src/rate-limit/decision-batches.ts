import { DECISIONS, type Script } from './decision-script.ts'
import { readReplies } from './redis-reply.ts'
import type { Scope, StoreReply } from './store.ts'

/** Maximum number of decisions in one call. Redis is blocked for about 4 µs per decision. */
const MOST = 64

interface Waiting {
  readonly resolve: (reply: StoreReply) => void
  readonly reject: (error: unknown) => void
}

/** Decisions with the same cost and limits for different keys. */
interface Batch {
  readonly cost: number
  readonly scopes: readonly Scope[]
  readonly keys: string[]
  readonly waiting: Waiting[]
}

interface DecisionBatchesOptions {
  readonly prefix: string
  readonly run: (script: Script, keys: string[], values: string[]) => Promise<unknown>
  /** Whether one call may contain keys of several tenants. False in a Redis Cluster, because these keys may be on different nodes. */
  readonly together: () => boolean
}

/**
 * Sends all decisions of one turn of the event loop in one call, because a call costs more than the decisions in it.
 *
 * The decisions do not depend on each other, so each waits for only one round trip. Within one call, the order of the decisions is
 * the order of the requests.
 */
export function createDecisionBatches({ prefix, run, together }: DecisionBatchesOptions) {
  let batches: Batch[] = []
  let scheduled = false
  let oneByOne = false

  function send({ cost, scopes, keys, waiting }: Batch): void {
    const script = DECISIONS[scopes.length - 1]
    if (script === undefined) {
      for (const { reject } of waiting) reject(new RangeError('A decision has one to three scopes.'))
      return
    }
    const values = [String(cost)]
    for (const { limits } of scopes) {
      values.push(String(limits.perMinute), String(limits.perDay), String(limits.burst))
    }
    run(script, keys, values).then(
      (reply) => settle(reply, scopes.length, waiting),
      (error: unknown) => {
        if (waiting.length > 1 && isCrossSlot(error)) resend({ cost, scopes, keys, waiting })
        else for (const { reject } of waiting) reject(error)
      },
    )
  }

  /**
   * A proxy in front of a cluster looks like a single server. It refuses a call with keys of several slots before anything
   * is counted, so each decision can safely be sent again alone.
   */
  function resend({ cost, scopes, keys, waiting }: Batch): void {
    oneByOne = true
    waiting.forEach((one, index) => {
      const own = keys.slice(index * scopes.length, (index + 1) * scopes.length)
      send({ cost, scopes, keys: own, waiting: [one] })
    })
  }

  function sendAll(): void {
    const due = batches
    batches = []
    scheduled = false
    for (const batch of due) send(batch)
  }

  function batchFor(scopes: readonly Scope[], cost: number): Batch {
    // Search the newest batches first: older ones are full, or have another cost or other limits.
    for (let index = batches.length - 1; index >= 0; index--) {
      const batch = batches[index]
      if (batch !== undefined && fits(batch, scopes, cost)) return batch
    }
    const batch: Batch = { cost, scopes, keys: [], waiting: [] }
    batches.push(batch)
    return batch
  }

  return {
    decide(scopes: readonly Scope[], cost: number): Promise<StoreReply> {
      return new Promise((resolve, reject) => {
        const alone = oneByOne || !together()
        const batch = alone ? { cost, scopes, keys: [], waiting: [] } : batchFor(scopes, cost)
        for (const { key } of scopes) batch.keys.push(prefix + key)
        batch.waiting.push({ resolve, reject })
        if (alone) send(batch)
        else if (!scheduled) {
          scheduled = true
          setImmediate(sendAll)
        }
      })
    },
  }
}

/** Whether a decision fits into a batch. Limits are compared by identity: the limits of one tier or route are always the same object. */
function fits(batch: Batch, scopes: readonly Scope[], cost: number): boolean {
  if (batch.cost !== cost || batch.scopes.length !== scopes.length || batch.waiting.length >= MOST) return false
  for (let index = 0; index < scopes.length; index++) {
    if (batch.scopes[index]?.limits !== scopes[index]?.limits) return false
  }
  return true
}

function settle(reply: unknown, scopes: number, waiting: readonly Waiting[]): void {
  try {
    const replies = readReplies(reply, waiting.length, scopes)
    waiting.forEach(({ resolve, reject }, index) => {
      const own = replies[index]
      if (own === undefined || own instanceof Error) reject(own)
      else resolve(own)
    })
  } catch (error) {
    for (const { reject } of waiting) reject(error)
  }
}

function isCrossSlot(error: unknown): boolean {
  return error instanceof Error && /\bCROSSSLOT\b/.test(error.message)
}
