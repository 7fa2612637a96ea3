import { ConnectionInDoubtError } from '../../errors.ts'
import type { TenantClient } from '../connection/tenant-client.ts'

/** Seconds since the pool opened. All of its connections share this clock, which is cheap to read. */
export interface WallClock {
  tick: number
}

/**
 * Finds connections whose server does not answer, such as half-open sockets. Their waiting queries get an error instead of waiting for
 * ever. The timer does not keep the process alive.
 */
export class Watchdog {
  readonly #clients = new Set<TenantClient>()
  readonly #clock: WallClock
  readonly #limitSeconds: number
  #timer: NodeJS.Timeout | undefined

  constructor(clock: WallClock, answerTimeoutMs: number) {
    this.#clock = clock
    this.#limitSeconds = answerTimeoutMs === 0 ? Number.POSITIVE_INFINITY : Math.ceil(answerTimeoutMs / 1000)
  }

  watch(client: TenantClient): void {
    this.#clients.add(client)
    if (this.#limitSeconds === Number.POSITIVE_INFINITY) return
    this.#timer ??= setInterval(() => this.#look(), 1000).unref()
  }

  forget(client: TenantClient): void {
    this.#clients.delete(client)
    if (this.#clients.size > 0) return
    clearInterval(this.#timer)
    this.#timer = undefined
  }

  #look(): void {
    this.#clock.tick++
    for (const client of this.#clients) {
      if (client.busySince === 0) continue
      if (client.lively) client.busySince = this.#clock.tick
      if (this.#clock.tick - client.busySince > this.#limitSeconds) {
        client.destroySocket(
          new ConnectionInDoubtError('The database did not answer in time; its connection was destroyed.'),
        )
      }
    }
  }
}
