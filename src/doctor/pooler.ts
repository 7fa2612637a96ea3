import { setTimeout as wait } from 'node:timers/promises'
import pg from 'pg'
import { type DoctorLine, type DoctorSettings, error, ok, warning } from './doctor-line.ts'

/** The kind of pooler between the application and PostgreSQL. */
type PoolerMode = 'none' | 'session' | 'transaction' | 'statement'

/** Finds out whether there is a pooler and which mode the pooler has. Compares the mode with the option `pooler`. */
export async function examinePooler({ databaseUrl, pooler }: DoctorSettings): Promise<readonly DoctorLine[]> {
  if (databaseUrl === undefined) return []
  let mode: PoolerMode
  try {
    mode = await detectPooler(databaseUrl)
  } catch {
    return [] // the check of the database reports it
  }
  return [judge(mode, pooler)]
}

function judge(mode: PoolerMode, pooler: boolean | undefined): DoctorLine {
  const area = 'pooler'
  switch (mode) {
    case 'none':
      return pooler === true
        ? warning(area, 'There is no pooler, and database.pooler is set, which costs speed.', 'Remove database.pooler.')
        : ok(area, 'There is no pooler: connections lead to PostgreSQL itself.')
    case 'session':
      return ok(area, 'A pooler in session mode, which behaves like PostgreSQL itself.')
    case 'transaction':
      return pooler === true
        ? ok(area, 'A pooler in transaction mode, and database.pooler is set.')
        : warning(
            area,
            'A pooler in transaction mode.',
            "Set database.pooler to 'transaction', and tenants.listenUrl to a direct URL.",
          )
    case 'statement':
      return error(area, 'A pooler in statement mode, which allows no transaction.', 'Set pool_mode = transaction.')
  }
}

/**
 * Finds the mode by its effects: behind a transaction pooler, the backend of a client changes between two transactions.
 *
 * @throws an error of pg if no connection can be opened
 */
export async function detectPooler(url: string): Promise<PoolerMode> {
  const clients = [0, 1].map(() => new pg.Client({ connectionString: url, connectionTimeoutMillis: 10_000 }))
  const [first, second] = clients
  if (first === undefined || second === undefined) throw new Error('expected two clients')
  for (const client of clients) client.on('error', () => {}) // the statement gets the error too
  try {
    await first.connect()
    // A pooler sends its clients an invented process id for cancel requests. This id differs from pg_backend_pid().
    if ((await pidOf(first)) === Reflect.get(first, 'processID')) return 'none'
    await second.connect()
    return await modeOf(first, second)
  } finally {
    await Promise.all(clients.map((client) => client.end().catch(() => {}))) // one may never have opened
  }
}

const ROUNDS = 4
/** How long the second client may wait for a backend before the pool counts as full. */
const FULL_MS = 1_000

async function modeOf(first: pg.Client, second: pg.Client): Promise<PoolerMode> {
  for (let round = 0; round < ROUNDS; round++) {
    const one = await begin(first).catch((problem: unknown) => problem)
    if (typeof one !== 'number') return 'statement'
    const opening = begin(second)
    const two = await Promise.race([opening, wait(FULL_MS, undefined, { ref: false })])
    await first.query('commit')
    if (two === undefined) {
      // The pool has one backend. In transaction mode the first client has just given it back.
      const free = await Promise.race([opening, wait(FULL_MS, undefined, { ref: false })])
      return free === undefined ? 'session' : 'transaction'
    }
    await second.query('commit')
    // Some poolers give out the backend that was released last, others the backend that was released first. So the two clients take turns
    // in asking again. If always the same client asked, one of these two kinds of poolers
    // would give it its own backend back every time.
    const [next, before] = round % 2 === 0 ? [first, one] : [second, two]
    const after = await begin(next)
    await next.query('commit')
    if (after !== before) return 'transaction'
  }
  return 'session'
}

async function begin(client: pg.Client): Promise<number> {
  await client.query('begin')
  return pidOf(client)
}

async function pidOf(client: pg.Client): Promise<number> {
  const { rows } = await client.query<{ pid: number }>('select pg_catalog.pg_backend_pid() as pid')
  return rows[0]?.pid ?? 0
}
