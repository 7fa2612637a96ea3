import type pg from 'pg'

/** The part of tarn's pool that Knex uses (`connectionPool`). */
export interface KnexPool {
  acquire(): { readonly promise: Promise<pg.PoolClient>; abort(): void }
  release(connection: pg.PoolClient): boolean
  destroy(): Promise<void>
  validate(): boolean
  numUsed(): number
  numFree(): number
  numPendingAcquires(): number
  numPendingCreates(): number
}

/**
 * A pool in the shape that Knex knows, on top of `pool`.
 *
 * Knex could take `pool` itself. But Knex releases the connection of an ended stream twice, and pg throws at the second release.
 */
export function knexPoolOn(pool: pg.Pool): KnexPool {
  const out = new Set<pg.PoolClient>()
  return {
    acquire() {
      const promise = pool.connect().then((connection) => {
        out.add(connection)
        return connection
      })
      return { promise, abort: () => {} }
    },
    release(connection) {
      if (!out.delete(connection)) return false
      // Knex marks connections that it must not use again, such as after a time-out.
      connection.release(Reflect.get(connection, '__knex__disposed') !== undefined)
      Reflect.deleteProperty(connection, '__knex__disposed')
      return true
    },
    destroy: () => Promise.resolve(),
    validate: () => true,
    numUsed: () => out.size,
    numFree: () => pool.idleCount,
    numPendingAcquires: () => pool.waitingCount,
    numPendingCreates: () => 0,
  }
}
