import pg from 'pg'

const END = 'call partywall.end_move($1)'
const ATTEMPTS = 20
const PAUSE_MS = 100

/**
 * Ends a move that failed. If the connection of the move is lost, this opens a second connection, and ends the move there as soon as the
 * server has noticed that the first session is gone. From that moment transactions in READ COMMITTED work again, because `mover_pid` in
 * `partywall.tenant_states` is ignored if its session is gone. Transactions in REPEATABLE READ and SERIALIZABLE can't see that the session
 * is gone, so they are refused until `mover_pid` is removed.
 *
 * It never throws: the caller has an error already, and `partywall.register_tickets()` also removes a `mover_pid` whose session is gone.
 */
export async function endFailedMove(client: pg.Client, databaseUrl: string, tenant: string): Promise<void> {
  const isDone = await client.query(END, [tenant]).then(
    () => true,
    () => false,
  )
  if (isDone) return
  const other = new pg.Client({ connectionString: databaseUrl })
  other.on('error', () => {}) // the running statement gets the error too
  try {
    await other.connect()
    for (let attempt = 0; attempt < ATTEMPTS; attempt++) {
      const { rows } = await other.query<{ moving: boolean }>(
        'select s.mover_pid is not null as moving from partywall.tenant_states s where s.tenant_id = $1',
        [tenant],
      )
      if (rows[0]?.moving !== true) return
      if (
        await other.query(END, [tenant]).then(
          () => true,
          () => false,
        )
      )
        return
      await new Promise((resolve) => setTimeout(resolve, PAUSE_MS))
    }
  } catch {
    // The server can't be reached.
  } finally {
    await other.end().catch(() => {})
  }
}
