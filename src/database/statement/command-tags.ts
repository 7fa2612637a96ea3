// What the server says that it did decides whether a connection is clean; our reading of the text does not.
const CLEAN = new Set([
  'SELECT',
  'INSERT',
  'UPDATE',
  'DELETE',
  'MERGE',
  'FETCH',
  'MOVE',
  'COPY',
  'BEGIN',
  'COMMIT',
  'ROLLBACK',
  'SAVEPOINT',
  'RELEASE',
  'START',
  'EXPLAIN',
  'SHOW',
  'CLOSE',
])

/**
 * True where a command of this tag can leave something on its connection that outlives the transaction.
 *
 * @param tag of CommandComplete: `INSERT 0 1`, `DECLARE CURSOR`, `SET`
 */
export function leavesResidue(tag: string): boolean {
  const end = tag.indexOf(' ')
  const command = end === -1 ? tag : tag.slice(0, end)
  if (!CLEAN.has(command)) return true
  // `SELECT INTO` and `CREATE TABLE AS` answer `SELECT n` too: TEMP is revoked and pg_temp comes last on the pinned path.
  return command === 'START' && tag !== 'START TRANSACTION'
}
