import { DependencyUnavailableError } from '../errors.ts'

interface Waiting {
  readonly go: (error?: Error) => void
  readonly timer: NodeJS.Timeout
}

interface Share {
  used: number
  readonly waiting: Waiting[]
}

/** Bounds how many connections one tenant may hold at once; what exceeds that waits in the tenant's own queue, with a deadline. */
export class TenantShares {
  readonly #limit: number
  readonly #waitMs: number
  readonly #shares = new Map<string, Share>()

  constructor(limit: number, waitMs: number) {
    this.#limit = limit
    this.#waitMs = waitMs
  }

  /** Calls `go` at once or later; with an error when the deadline has passed. */
  acquire(tenantId: string, go: (error?: Error) => void): void {
    const share = this.#shares.get(tenantId) ?? { used: 0, waiting: [] }
    this.#shares.set(tenantId, share)
    if (share.used < this.#limit) {
      share.used++
      go()
      return
    }
    const waiting: Waiting = {
      go,
      timer: setTimeout(() => {
        share.waiting.splice(share.waiting.indexOf(waiting), 1)
        go(
          new DependencyUnavailableError(
            `This tenant already holds its ${this.#limit} database connections, and none became free within ${this.#waitMs} ms.`,
          ),
        )
      }, this.#waitMs),
    }
    waiting.timer.unref()
    share.waiting.push(waiting)
  }

  release(tenantId: string): void {
    const share = this.#shares.get(tenantId)
    if (share === undefined) return
    const next = share.waiting.shift()
    if (next !== undefined) {
      clearTimeout(next.timer)
      next.go()
    } else if (--share.used === 0) this.#shares.delete(tenantId)
  }
}
