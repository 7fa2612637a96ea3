import type pg from 'pg'
import type { ContextFrame } from '../../context/frame.ts'
import type { SecurityEvents } from '../../events/security-events.ts'
import { registerTickets } from '../connection/session/register-tickets.ts'
import type { TenantClient } from '../connection/tenant-client.ts'
import { internalsOfClient } from '../wire/pg-internals.ts'
import type { TenantShares } from './tenant-shares.ts'

export type Leased = (error: Error | undefined, client: TenantClient | undefined) => void

/** Milliseconds between the release of a connection and the registration of tickets. */
const REGISTER_SOON_MS = 20

/** The pool whose connections are leased. */
interface LeasedPool {
  readonly options: pg.PoolOptions
  readonly ending: boolean
  /** pg-pool's `connect`. */
  connect(take: Leased): void
  emit(event: 'release' | 'acquire', ...values: unknown[]): boolean
}

/**
 * Takes connections out of pg-pool and gives them back. Tenants take turns in getting a connection.
 *
 * A connection that is given back goes directly to the statement whose turn it is. This avoids pg-pool's queue and idle timer, and a wait
 * for the next tick. pg-pool does not notice: it still counts the connection as checked out.
 */
export class Leases {
  readonly #pool: LeasedPool
  readonly #shares: TenantShares | undefined
  readonly #events: SecurityEvents | undefined
  /** A connection that was just given back, until the next statement takes it. */
  #free: TenantClient | undefined
  #registersSoon = false

  constructor(pool: LeasedPool, shares: TenantShares | undefined, events: SecurityEvents | undefined) {
    this.#pool = pool
    this.#shares = shares
    this.#events = events
  }

  /**
   * Takes a connection for a frame when it is the turn of the frame's tenant. Keeps pg-pool's own release function as `poolRelease`.
   *
   * @param take must not throw, and must return before the connection is given back. It may be called while the connection's previous
   *   statement is still finishing
   */
  take(frame: ContextFrame | undefined, take: Leased): void {
    if (this.#shares === undefined) {
      this.#takeNow(frame, undefined, take)
      return
    }
    const tenantId = frame?.tenantId ?? ''
    this.#shares.acquire(tenantId, (error) => {
      if (error === undefined) this.#takeNow(frame, tenantId, take)
      else take(error, undefined)
    })
  }

  #takeNow(frame: ContextFrame | undefined, share: string | undefined, take: Leased): void {
    const free = this.#free
    if (free !== undefined) {
      this.#free = undefined
      this.#pool.emit('release', undefined, free)
      this.#pool.emit('acquire', free)
      this.#hand(free, frame, share, take)
      return
    }
    this.#pool.connect((error, client) => {
      if (client !== undefined) {
        client.poolRelease = client.release
        this.#hand(client, frame, share, take)
        return
      }
      if (share !== undefined) this.#shares?.release(share)
      take(error, undefined)
    })
  }

  #hand(client: TenantClient, frame: ContextFrame | undefined, share: string | undefined, take: Leased): void {
    client.guard.owner = frame?.tenantId
    client.shareOf = share
    take(undefined, client)
  }

  /** Takes a connection for a caller, who must release it. */
  checkOut(frame: ContextFrame | undefined, take: Leased): void {
    this.take(frame, (error, client) => {
      if (client !== undefined) {
        let released = false
        client.release = (problem) => {
          if (released) throw new Error('Release called on client which has already been released to the pool.')
          released = true
          this.#registerSoon(client)
          this.giveBack(client, problem, true)
        }
      }
      take(error, client)
    })
  }

  /**
   * Gives a connection to the next waiting statement, or to pg-pool. Runs DISCARD ALL first if the connection is in doubt. Destroys a
   * connection that must not be used again.
   */
  giveBack(client: TenantClient, problem?: Error | boolean, byCaller = false): void {
    const { guard } = client
    if (problem) {
      this.#destroy(client, 'it was released with an error', problem)
      return
    }
    if (guard.cancelling !== undefined && guard.discardedFor === undefined) {
      // The promise of a cancel request never rejects; its result is stored on the guard.
      void guard.cancelling.then(() => this.giveBack(client, undefined, byCaller))
      return
    }
    const reason = guard.unfit(client.getTransactionStatus())
    if (reason !== undefined) this.#destroy(client, reason)
    else if (!guard.inDoubt) byCaller ? this.#handOn(client) : this.#registerAndHandOn(client)
    else {
      client.discardAll().then(
        () => this.#handOn(client),
        () => this.#destroy(client, 'DISCARD ALL failed'),
      )
    }
  }

  #registerAndHandOn(client: TenantClient): void {
    // registerTickets() runs a statement of partywall's own, so the connection belongs to no tenant meanwhile.
    client.guard.owner = undefined
    const registered = registerTickets(client)
    if (registered === undefined) this.#handOn(client)
    else void registered.then(() => this.giveBack(client))
  }

  /**
   * Registers tickets a moment after a caller has released a connection. The released connection is not kept for this: the pool's
   * counters must show it as idle at once. The pool is asked for a connection later instead. Does nothing if a statement of the pool has registered the
   * tickets in the meantime.
   */
  #registerSoon(client: TenantClient): void {
    const { tickets } = client.guard.settings
    if (tickets?.pending !== true || this.#registersSoon) return
    this.#registersSoon = true
    setTimeout(() => {
      this.#registersSoon = false
      if (!tickets.pending || this.#pool.ending) return
      this.take(undefined, (_error, taken) => {
        // take() must have returned before the connection is given back.
        if (taken !== undefined) process.nextTick(() => this.giveBack(taken))
      })
    }, REGISTER_SOON_MS).unref()
  }

  #destroy(client: TenantClient, reason: string, problem?: Error | boolean): void {
    client.guard.discard(reason)
    this.#events?.emit({ type: 'CONNECTION_DESTROYED', reason })
    // pg-pool only closes the socket. Cancel a statement that still runs on the server.
    void client.cancelRunning()
    this.#handOn(client, problem ?? new Error(`the connection was destroyed: ${reason}`))
  }

  #handOn(client: TenantClient, problem?: Error | boolean): void {
    const { shareOf } = client
    client.guard.owner = undefined
    client.shareOf = undefined
    if (shareOf === undefined || this.#shares === undefined) {
      client.poolRelease(problem)
      return
    }
    if (problem || !this.#mayHandOver(client)) {
      client.poolRelease(problem)
      this.#shares.release(shareOf)
      return
    }
    this.#free = client
    this.#shares.release(shareOf)
    if (this.#free === undefined) return
    // No statement took the connection.
    this.#free = undefined
    client.poolRelease()
  }

  /**
   * Whether the next statement may get the connection without pg-pool. pg-pool checks the age of a connection and the number of its uses
   * only when the connection is released to pg-pool.
   */
  #mayHandOver(client: TenantClient): boolean {
    const { maxUses, maxLifetimeSeconds } = this.#pool.options
    const { _queryable, _ending } = internalsOfClient(client)
    if (this.#pool.ending || !_queryable || _ending) return false
    return !Number.isFinite(maxUses ?? Number.POSITIVE_INFINITY) && !maxLifetimeSeconds
  }
}
