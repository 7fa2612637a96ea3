import type { Logger } from '../logger/logger.ts'
import {
  type AlertQueryable,
  type ClaimedAlert,
  claimAlerts,
  forgetOld,
  markDelivered,
  markFailed,
  registerSink,
} from './outbox.ts'
import type { AlertSink } from './sinks.ts'

interface SenderParts {
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
const KEEP_ANY_MS = 30 * 86_400_000
const FORGET_EVERY_MS = 60_000

/** How one delivery ended. After `delivered` and `dead` the next alert of the same kind can be claimed, so the sender asks again. */
type Delivery = 'delivered' | 'dead' | 'later'

/** Delivers the alerts of one sink. Each sink has its own sender, so that a sink that hangs does not delay the other sinks. */
export class AlertSender {
  readonly #parts: SenderParts
  #timer: NodeJS.Timeout | undefined
  #stopped = true
  #running: Promise<number> | undefined
  #registered = false
  #forgotAt = Number.NEGATIVE_INFINITY

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
          'The outbox of alerts could not be read; it is read again soon.',
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

  /** Delivers all alerts that are due now. @returns how many arrived */
  deliverDue(): Promise<number> {
    this.#running ??= this.#deliverAll().finally(() => {
      this.#running = undefined
    })
    return this.#running
  }

  async #deliverAll(): Promise<number> {
    const { outbox, sink, timeoutMs, now } = this.#parts
    let delivered = 0
    if (!this.#registered) await registerSink(outbox, sink.name)
    this.#registered = true
    await this.#forget()
    for (;;) {
      // At most twenty alerts are claimed, and sent at the same time. The lease is long enough even if the sink handles them one after the
      // other.
      const claimed = await claimAlerts(outbox, sink.name, new Date(now()), timeoutMs * 25)
      if (claimed.length === 0) break
      // Handle each alert separately: if one can't be marked, it is delivered again when its lease ends, and the others are not delayed.
      const settled = await Promise.allSettled(claimed.map((each) => this.#deliver(each)))
      const done = settled.filter((each) => each.status === 'fulfilled' && each.value !== 'later')
      delivered += done.filter((each) => each.status === 'fulfilled' && each.value === 'delivered').length
      for (const each of settled) if (each.status === 'rejected') this.#reportUnmarked(each.reason)
      if (done.length === 0) break
    }
    return delivered
  }

  async #forget(): Promise<void> {
    const at = this.#parts.now()
    if (at - this.#forgotAt < FORGET_EVERY_MS) return
    await forgetOld(this.#parts.outbox, {
      delivered: new Date(at - KEEP_DELIVERED_MS),
      any: new Date(at - KEEP_ANY_MS),
    })
    this.#forgotAt = at
  }

  #reportUnmarked(error: unknown): void {
    this.#parts.logger.error(
      { sink: this.#parts.sink.name, error: String(error) },
      'The delivery of an alert could not be recorded in the outbox; the alert is delivered again.',
    )
  }

  async #deliver({ seq, attempts, firstAtMs, alert, unreadable }: ClaimedAlert): Promise<Delivery> {
    const { outbox, sink, timeoutMs, maxAgeMs, now, logger } = this.#parts
    if (unreadable !== undefined) {
      await markFailed(outbox, seq, { error: unreadable, again: undefined, now: new Date(now()) })
      logger.error(
        { sink: sink.name, alert: alert.id, error: unreadable },
        'An alert in the outbox cannot be read. It is a dead letter now.',
      )
      return 'dead'
    }
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
          'An alert could not be delivered. It is a dead letter now.',
        )
      return dead ? 'dead' : 'later'
    }
    await markDelivered(outbox, seq, new Date(now()))
    return 'delivered'
  }
}

/** Runs a function with a time limit. The promise settles in time even if the function ignores its signal. */
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
