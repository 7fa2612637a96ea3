// The server's command tag decides whether a connection is clean, and not our reading of the statement's text.
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
 * True if a command of this tag can leave something on its connection that outlives the transaction.
 *
 * @param tag of CommandComplete: `INSERT 0 1`, `DECLARE CURSOR`, `SET`
 */
export function leavesResidue(tag: string): boolean {
  const end = tag.indexOf(' ')
  const command = end === -1 ? tag : tag.slice(0, end)
  if (!CLEAN.has(command)) return true
  // `SELECT INTO` and `CREATE TABLE AS` also return `SELECT n`. They are harmless: TEMP is revoked, and pg_temp is last in search_path.
  return command === 'START' && tag !== 'START TRANSACTION'
}
