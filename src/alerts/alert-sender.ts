import type { Logger } from '../logger/logger.ts'
import {
  type AlertQueryable,
  type ClaimedAlert,
  claimAlerts,
  forgetDelivered,
  markDelivered,
  markFailed,
} from './outbox.ts'
import type { AlertSink } from './sinks.ts'

export interface SenderParts {
  /** A pool of a login that is a member of `partywall_alerts`. */
  readonly outbox: AlertQueryable
  readonly sink: AlertSink
  readonly timeoutMs: number
  readonly maxAgeMs: number
  readonly pollMs: number
  readonly now: () => number
  readonly logger: Logger
}

const FIRST_RETRY_MS = 1_000
const MAX_RETRY_MS = 300_000
const KEEP_DELIVERED_MS = 7 * 86_400_000

/** Delivers the alerts of one sink; each sink has its own, so that one that hangs holds up nobody else. */
export class AlertSender {
  readonly #parts: SenderParts
  #timer: NodeJS.Timeout | undefined
  #stopped = true
  #running: Promise<number> | undefined

  constructor(parts: SenderParts) {
    this.#parts = parts
  }

  start(): void {
    if (!this.#stopped) return
    this.#stopped = false
    const loop = async () => {
      await this.deliverDue().catch((error: unknown) => {
        this.#parts.logger.error(
          { sink: this.#parts.sink.name, error: String(error) },
          'The outbox of alerts could not be read; tried again.',
        )
      })
      if (!this.#stopped) this.#timer = setTimeout(loop, this.#parts.pollMs).unref()
    }
    this.#timer = setTimeout(loop, 0).unref()
  }

  async stop(): Promise<void> {
    this.#stopped = true
    if (this.#timer !== undefined) clearTimeout(this.#timer)
    await this.#running?.catch(() => {}) // reported by the loop
  }

  /** Delivers all that is due now. @returns how many arrived */
  deliverDue(): Promise<number> {
    this.#running ??= this.#deliverAll().finally(() => {
      this.#running = undefined
    })
    return this.#running
  }

  async #deliverAll(): Promise<number> {
    const { outbox, sink, timeoutMs, now } = this.#parts
    let delivered = 0
    for (;;) {
      // Twenty in a row may each take the whole time-out before the last one is marked.
      const claimed = await claimAlerts(outbox, sink.name, new Date(now()), timeoutMs * 25)
      if (claimed.length === 0) break
      const done = await Promise.all(claimed.map((each) => this.#deliver(each)))
      delivered += done.filter(Boolean).length
      if (!done.some(Boolean)) break
    }
    await forgetDelivered(outbox, new Date(now() - KEEP_DELIVERED_MS))
    return delivered
  }

  async #deliver({ seq, attempts, firstAtMs, alert }: ClaimedAlert): Promise<boolean> {
    const { outbox, sink, timeoutMs, maxAgeMs, now, logger } = this.#parts
    try {
      await withTimeout((signal) => sink.deliver(alert, signal), timeoutMs)
    } catch (error) {
      const at = now()
      const dead = at - firstAtMs >= maxAgeMs
      const delay = Math.min(FIRST_RETRY_MS * 2 ** Math.min(attempts - 1, 20), MAX_RETRY_MS)
      const message = error instanceof Error ? error.message : String(error)
      await markFailed(outbox, seq, {
        error: message,
        again: dead ? undefined : new Date(at + delay),
        now: new Date(at),
      })
      if (dead)
        logger.error(
          { sink: sink.name, alert: alert.id, type: alert.type },
          'An alert could not be delivered and is a dead letter.',
        )
      return false
    }
    await markDelivered(outbox, seq, new Date(now()))
    return true
  }
}

/** Settles in time also when the function ignores its signal. */
async function withTimeout(work: (signal: AbortSignal) => Promise<void> | void, timeoutMs: number): Promise<void> {
  const controller = new AbortController()
  let timer: NodeJS.Timeout | undefined
  const late = new Promise<never>((_resolve, reject) => {
    timer = setTimeout(() => {
      const error = new Error(`the sink did not answer within ${timeoutMs} ms`)
      controller.abort(error)
      reject(error)
    }, timeoutMs)
  })
  try {
    await Promise.race([Promise.resolve().then(() => work(controller.signal)), late])
  } finally {
    clearTimeout(timer)
  }
}
