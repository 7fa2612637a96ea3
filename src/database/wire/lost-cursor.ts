import type { PgConnection } from './pg-internals.ts'

/**
 * Tells a query object of another library that its connection is lost. pg-cursor, and the stream on top of it, wait for ReadyForQuery
 * before they settle. That message will never come, so the listeners are called here.
 */
export function tellLost(query: object, connection: PgConnection, tell: () => void): void {
  const before = new Set(connection.rawListeners('readyForQuery'))
  try {
    tell()
  } finally {
    for (const listener of connection.rawListeners('readyForQuery')) {
      if (before.has(listener)) continue
      // The listener was added by once(), so calling its wrapper also removes it.
      process.nextTick(() => Reflect.apply(listener, connection, []))
    }
    const cursor: unknown = 'cursor' in query ? query.cursor : query
    // Without a connection, a later close() settles at once; a later read() still gets the error.
    if (typeof cursor === 'object' && cursor !== null && Reflect.get(cursor, 'state') === 'error')
      Reflect.set(cursor, 'connection', null)
  }
}
