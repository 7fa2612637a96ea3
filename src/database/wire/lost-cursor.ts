import type { PgConnection } from './pg-internals.ts'

/**
 * Tells somebody else's query object that its connection is lost. pg-cursor, and the stream on top of it, would wait for the server to be
 * ready before they settle, which it will not be any more.
 */
export function tellLost(query: object, connection: PgConnection, tell: () => void): void {
  const before = new Set(connection.rawListeners('readyForQuery'))
  try {
    tell()
  } finally {
    for (const listener of connection.rawListeners('readyForQuery')) {
      if (before.has(listener)) continue
      // The wrapper of once() takes itself off.
      process.nextTick(() => Reflect.apply(listener, connection, []))
    }
    const cursor: unknown = 'cursor' in query ? query.cursor : query
    // A close() that comes later then settles at once; a later read() still gets the error.
    if (typeof cursor === 'object' && cursor !== null && Reflect.get(cursor, 'state') === 'error')
      Reflect.set(cursor, 'connection', null)
  }
}
