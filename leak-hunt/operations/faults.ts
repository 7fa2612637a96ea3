// Faults of the server, of the network and of users' code. Each counts as one fault of its kind.

import type { NetworkFault } from '../fault-proxy.ts'
import { codeOf, isLostConnection, type Operation, type Turn } from '../hunt.ts'

const COLUMNS = 'tenant_id, id, writer, n'

export const faultOperations: readonly Operation[] = [
  {
    name: 'time-out of the server',
    weight: 2,
    plannedCodes: ['57014'],
    async run({ pool }) {
      await pool.transaction(async (transaction) => {
        await transaction.query("set local statement_timeout = '30ms'")
        await transaction.query('select pg_sleep(2)')
      })
    },
  },
  {
    name: 'time-out of the client',
    weight: 1,
    async run({ pool, ledger, tenantId }) {
      const limited = { text: `select pg_sleep(0.2), ${COLUMNS} from ledger limit 1`, query_timeout: 25 }
      await pool.query(limited).then(
        ({ rows }) => ledger.read(tenantId, rows, 'time-out of the client'),
        () => {}, // the expected time-out, or a connection that was lost
      )
    },
  },
  {
    name: 'cancel of a running query',
    weight: 3,
    async run(turn) {
      await abortAfter(turn, 4 + turn.random.below(20), `select pg_sleep(0.15), ${COLUMNS} from ledger limit 1`)
    },
  },
  {
    // The cancel request arrives just after the query has ended. It must not cancel the next query on the connection.
    name: 'cancel that comes too late',
    weight: 4,
    async run(turn) {
      for (let round = 0; round < 4; round += 1) {
        await abortAfter(turn, turn.random.below(4), `select ${COLUMNS} from ledger limit 5`)
        const { rows } = await turn.pool.query(`select pg_sleep(0.004), ${COLUMNS} from ledger limit 5`)
        turn.ledger.read(turn.tenantId, rows, 'after a cancel')
      }
    },
  },
  {
    name: 'terminated backend',
    weight: 2,
    async run({ stage }) {
      await stage.admin(
        "select pg_terminate_backend(pid) from pg_stat_activity where usename = 'hunt_app' order by random() limit 1",
      )
    },
  },
  network('cut', 2),
  network('delay', 2),
  network('split', 2),
  network('black-hole', 1),
  {
    name: 'client abandoned in a transaction',
    weight: 3,
    async run({ pool, ledger, tenantId, random }) {
      const client = await pool.connect()
      const id = random.uuid()
      ledger.wrote({ tenantId, id }, 'rolled back')
      try {
        await client.query('begin')
        await client.query('insert into ledger (id, writer) values ($1, $2)', [id, tenantId])
      } finally {
        client.release()
      }
    },
  },
  {
    name: 'client released with queries queued',
    weight: 3,
    async run({ pool, ledger, tenantId }) {
      const client = await pool.connect()
      const answers = [1, 2, 3].map((limit) => client.query(`select ${COLUMNS} from ledger limit ${limit}`))
      client.release()
      for (const answer of await Promise.allSettled(answers)) {
        if (answer.status === 'fulfilled') ledger.read(tenantId, answer.value.rows, 'released with queries queued')
        else if (!isLostConnection(answer.reason) && !/releas|destroy|terminat/i.test(String(answer.reason)))
          throw answer.reason
      }
    },
  },
  {
    name: 'code that throws while its client is out',
    weight: 3,
    async run({ pool, ledger, tenantId }) {
      const client = await pool.connect()
      try {
        const { rows } = await client.query(`select ${COLUMNS} from ledger limit 2`)
        ledger.read(tenantId, rows, 'before a throw')
        await client.query("select 'not a number'::integer").catch((error: unknown) => {
          if (isLostConnection(error)) throw error
        })
      } finally {
        client.release(new Error('users’ code threw'))
      }
    },
  },
]

async function abortAfter({ pool, ledger, tenantId }: Turn, ms: number, text: string): Promise<void> {
  const controller = new AbortController()
  const timer = setTimeout(() => controller.abort(), ms)
  // `signal` is an option of the tenant pool, which pg's types do not contain.
  const query: { text: string; signal: AbortSignal } = { text, signal: controller.signal }
  try {
    const { rows } = await pool.query(query)
    ledger.read(tenantId, rows, 'a query that was not cancelled in time')
  } catch (error) {
    const planned = controller.signal.aborted && (codeOf(error) === '57014' || isAbort(error))
    if (!planned) throw error
  } finally {
    clearTimeout(timer)
  }
}

function isAbort(error: unknown): boolean {
  return error instanceof Error && (error.name === 'AbortError' || error.cause instanceof Error)
}

function network(fault: NetworkFault, weight: number): Operation {
  return {
    name: `network: ${fault}`,
    weight,
    async run({ stage, ledger, random, tenantId }) {
      stage.proxy.strike(fault, random)
      const { rows } = await stage.strict.query(`select ${COLUMNS} from ledger limit 3`)
      ledger.read(tenantId, rows, `network: ${fault}`)
    },
  }
}
