import { ClosedError, DependencyUnavailableError } from '../../errors.ts'

interface Waiting {
  readonly go: (error?: Error) => void
  readonly timer: NodeJS.Timeout
}

interface Share {
  used: number
  readonly waiting: Waiting[]
}

interface SharesOptions {
  /** Maximum number of connections that one tenant holds at once. */
  readonly limit: number
  /** Number of all connections of the pool. */
  readonly capacity: number
  /** How long a statement waits for a connection. */
  readonly waitMs: number
}

/** Stands for statements without a tenant, such as lookups before the tenant is known. They may use every connection. */
const NOBODY = ''

/** Default share of one tenant: all connections of a pool of one or two, about three quarters of a larger pool. */
export function defaultShare(max: number): number {
  return max <= 2 ? max : Math.min(max - 1, Math.ceil(max * 0.75))
}

/**
 * Hands out the connections of a pool. One tenant holds at most its share. Each tenant has its own queue of waiting statements, and the
 * queues take turns. So a tenant with a thousand waiting statements is served as often as a tenant with one.
 */
export class TenantShares {
  readonly #options: SharesOptions
  /** In the order of the turns: a tenant that was served moves to the end. */
  readonly #shares = new Map<string, Share>()
  #used = 0
  #waiting = 0

  constructor(options: SharesOptions) {
    this.#options = options
  }

  /** How many statements wait. */
  get waiting(): number {
    return this.#waiting
  }

  /** Calls `go` at once or later; with an error when the deadline has passed, or the pool was closed. */
  acquire(tenantId: string, go: (error?: Error) => void): void {
    const share = this.#shares.get(tenantId) ?? { used: 0, waiting: [] }
    this.#shares.set(tenantId, share)
    if (share.waiting.length === 0 && this.#mayTake(tenantId, share)) {
      share.used++
      this.#used++
      go()
      return
    }
    const timer = setTimeout(() => {
      const at = share.waiting.findIndex((each) => each.timer === timer)
      if (at < 0) return
      share.waiting.splice(at, 1)
      this.#waiting--
      const error = this.#late(share)
      this.#forget(tenantId, share)
      go(error)
    }, this.#options.waitMs)
    timer.unref()
    share.waiting.push({ go, timer })
    this.#waiting++
  }

  release(tenantId: string): void {
    const share = this.#shares.get(tenantId)
    if (share === undefined) return
    share.used--
    this.#used--
    this.#forget(tenantId, share)
    this.#serve()
  }

  /** Fails all waiting statements with the error of a closed pool. */
  close(): void {
    for (const [tenantId, share] of [...this.#shares]) {
      const waiting = share.waiting.splice(0)
      this.#waiting -= waiting.length
      this.#forget(tenantId, share)
      for (const { timer, go } of waiting) {
        clearTimeout(timer)
        go(new ClosedError('The pool was closed while this waited for a connection.'))
      }
    }
  }

  #serve(): void {
    while (this.#used < this.#options.capacity) {
      const next = this.#next()
      if (next === undefined) return
      clearTimeout(next.timer)
      next.go()
    }
  }

  #next(): Waiting | undefined {
    for (const [tenantId, share] of this.#shares) {
      if (share.waiting.length === 0 || !this.#mayTake(tenantId, share)) continue
      const next = share.waiting.shift()
      this.#shares.delete(tenantId)
      this.#shares.set(tenantId, share)
      share.used++
      this.#used++
      this.#waiting--
      return next
    }
    return undefined
  }

  #mayTake(tenantId: string, share: Share): boolean {
    const { limit, capacity } = this.#options
    return this.#used < capacity && (tenantId === NOBODY || share.used < limit)
  }

  #forget(tenantId: string, share: Share): void {
    if (share.used === 0 && share.waiting.length === 0) this.#shares.delete(tenantId)
  }

  #late(share: Share): DependencyUnavailableError {
    const { limit, capacity, waitMs } = this.#options
    const full = share.used >= limit ? `this tenant holds its ${limit} of ${capacity}` : `all ${capacity} are in use`
    return new DependencyUnavailableError(
      // Starts with the text of pg-pool's own error, by which libraries recognise it.
      `timeout exceeded when trying to connect: no database connection became free within ${waitMs} ms (perTenantWaitMs): ${full}. Inside pool.transaction(fn) use the transaction's own query(): pool.query() needs a second connection there. Otherwise shorten slow statements, or raise max or perTenantConnections.`,
      { details: { dependency: 'database connection', held: share.used, perTenantConnections: limit, max: capacity } },
    )
  }
}
