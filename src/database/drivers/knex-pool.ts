import type { EventEmitter } from 'node:events'
import type pg from 'pg'

/** The part of tarn's pool that Knex uses (`connectionPool`). */
export interface KnexPool {
  acquire(): { readonly promise: Promise<KnexConnection>; abort(): void }
  release(connection: KnexConnection): boolean
  destroy(): Promise<void>
  validate(): boolean
  numUsed(): number
  numFree(): number
  numPendingAcquires(): number
  numPendingCreates(): number
}

/**
 * One use of a connection by Knex.
 *
 * Knex releases the connection of a stream twice. By then the pool may have lent the client to another request, so a release must name the
 * use and not the client: otherwise the second release would end the other request's transaction.
 */
class KnexConnection {
  #client: pg.PoolClient | undefined

  constructor(client: pg.PoolClient) {
    this.#client = client
  }

  /** Knex cancels by the number of the backend. */
  get processID(): unknown {
    return this.#client === undefined ? undefined : Reflect.get(this.#client, 'processID')
  }

  query(...values: unknown[]): unknown {
    return Reflect.apply(this.#held().query, this.#held(), values)
  }

  on(...values: Parameters<EventEmitter['on']>): this {
    Reflect.apply(this.#held().on, this.#held(), values)
    return this
  }

  removeListener(...values: Parameters<EventEmitter['removeListener']>): this {
    if (this.#client !== undefined) Reflect.apply(this.#client.removeListener, this.#client, values)
    return this
  }

  giveBack(destroy: boolean): boolean {
    const client = this.#client
    this.#client = undefined
    client?.release(destroy)
    return client !== undefined
  }

  #held(): pg.PoolClient {
    if (this.#client === undefined) throw new Error('Knex used a connection after its release.')
    return this.#client
  }
}

/** A pool in the shape that Knex knows, on top of `pool`. */
export function knexPoolOn(pool: pg.Pool): KnexPool {
  let used = 0
  return {
    acquire() {
      const promise = pool.connect().then((client) => {
        used++
        return new KnexConnection(client)
      })
      return { promise, abort: () => {} }
    },
    release(connection) {
      // Knex marks connections that it must not use again, such as after a time-out.
      const released = connection.giveBack(Reflect.get(connection, '__knex__disposed') !== undefined)
      if (released) used--
      return released
    },
    destroy: () => Promise.resolve(),
    validate: () => true,
    numUsed: () => used,
    numFree: () => pool.idleCount,
    numPendingAcquires: () => pool.waitingCount,
    numPendingCreates: () => 0,
  }
}
