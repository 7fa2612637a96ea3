import type { PgConnection, PgSubmittable } from './pg-internals.ts'

/** How often a query is checked within its time limit. */
const LOOKS = 4

/**
 * Applies `query_timeout` to a query object of another library. For a `pg.Query` it limits the whole query, as in pg. A cursor or stream
 * stays open as long as its reader wants; for a cursor or stream, the limit is how long the server may be silent while an answer is due.
 *
 * @param expire called once, when the limit is passed
 * @returns a function that stops watching the query
 */
export function limitAnswers(
  query: PgSubmittable,
  connection: PgConnection,
  timeoutMs: number,
  expire: () => void,
): () => void {
  if ('prepare' in query) {
    const timer = setTimeout(expire, timeoutMs)
    return () => clearTimeout(timer)
  }
  let heard = bytesRead(connection)
  let silentLooks = 0
  const timer = setInterval(
    () => {
      const now = bytesRead(connection)
      silentLooks = now === heard && !rests(query) ? silentLooks + 1 : 0
      heard = now
      // The first look may come just after an answer, so one more look is needed.
      if (silentLooks <= LOOKS) return
      clearInterval(timer)
      expire()
    },
    Math.max(1, timeoutMs / LOOKS),
  )
  return () => clearInterval(timer)
}

/** `query_timeout` of the object itself, as pg reads it; 0 if there is none. */
export function ownTimeout(query: PgSubmittable): number {
  const own: unknown = Reflect.get(query, 'query_timeout')
  return typeof own === 'number' && own > 0 ? own : 0
}

/** Whether an open cursor (or the cursor of a stream) waits for its reader and not for the server. */
export function rests(query: object): boolean {
  const cursor: unknown = 'cursor' in query ? query.cursor : query
  if (typeof cursor !== 'object' || cursor === null) return false
  // A read that was asked for before the columns were known leaves the state idle, and its callback waiting.
  return Reflect.get(cursor, 'state') === 'idle' && Reflect.get(cursor, '_cb') === null
}

/** Bytes that the connection's socket has read. Also works while a copy stream uses the socket. */
export function bytesRead({ stream }: PgConnection): number {
  const count: unknown = Reflect.get(stream, 'bytesRead')
  return typeof count === 'number' ? count : 0
}
