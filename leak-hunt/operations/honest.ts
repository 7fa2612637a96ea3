// Operations of tenants' honest code.
import type pg from 'pg'
import { runWithTenant, tryGetCurrentTenant } from '../../src/context/run-with-tenant.ts'
import { isLostConnection, type Operation, PlannedError, type Turn } from '../hunt.ts'

const COLUMNS = 'tenant_id, id, writer, n'
const INSERT = 'insert into ledger (id, writer) values ($1, $2)'

export const honestOperations: readonly Operation[] = [
  {
    name: 'read a page',
    weight: 22,
    async run({ pool, ledger, tenantId }) {
      const { rows } = await pool.query(`select ${COLUMNS} from ledger limit 20`)
      ledger.read(tenantId, rows, 'read a page')
      if (rows.length === 0) ledger.violate('own row missing', `${tenantId} sees no row at all`)
    },
  },
  {
    name: 'read a row of its own by a named statement',
    weight: 18,
    async run({ pool, ledger, tenantId, random }) {
      const mine = ledger.committedOf(tenantId)
      if (mine.length === 0) return
      const id = random.pick(mine)
      const statement = { text: `select ${COLUMNS} from ledger where id = $1`, values: [id] }
      // The statement's name is chosen by the caller or by partywall.
      const named = random.pick([{ name: 'one_row' }, { prepare: true }])
      const { rows } = await pool.query({ ...statement, ...named })
      ledger.read(tenantId, rows, 'read a row')
      // A DELETE of the same row may have run at the same time.
      if (rows.length === 0 && ledger.committedOf(tenantId).includes(id)) {
        ledger.violate('own row missing', `${tenantId} does not find its row ${id}`)
      }
    },
  },
  {
    name: 'read by callback',
    weight: 8,
    async run({ pool, ledger, tenantId }) {
      await new Promise<void>((resolve, reject) => {
        pool.query(`select ${COLUMNS} from ledger limit 5`, (error: Error | undefined, result: pg.QueryResult) => {
          const now = tryGetCurrentTenant()?.tenantId
          if (now !== tenantId) {
            ledger.violate('wrong context in a callback', `pool.query: ${now} in place of ${tenantId}`)
          }
          if (error) return reject(error)
          ledger.read(tenantId, result.rows, 'read by callback')
          resolve()
        })
      })
    },
  },
  {
    name: 'connect by callback',
    weight: 5,
    async run({ pool, ledger, tenantId }) {
      await new Promise<void>((resolve, reject) => {
        pool.connect((error, client, release) => {
          const now = tryGetCurrentTenant()?.tenantId
          if (now !== tenantId) {
            ledger.violate('wrong context in a callback', `pool.connect: ${now} in place of ${tenantId}`)
          }
          if (error || client === undefined) return reject(error)
          client.query(`select ${COLUMNS} from ledger limit 5`).then(
            ({ rows }) => {
              ledger.read(tenantId, rows, 'connect by callback')
              release()
              resolve()
            },
            (problem: Error) => {
              release(problem)
              reject(problem)
            },
          )
        })
      })
    },
  },
  {
    name: 'insert',
    weight: 12,
    run: (turn) => insertWith(turn, (id) => turn.pool.query(INSERT, [id, turn.tenantId])),
  },
  {
    name: 'insert returning',
    weight: 5,
    run: (turn) =>
      insertWith(turn, async (id) => {
        const { rows } = await turn.pool.query(`${INSERT} returning ${COLUMNS}`, [id, turn.tenantId])
        turn.ledger.read(turn.tenantId, rows, 'insert returning')
      }),
  },
  {
    name: 'insert through copyInto',
    weight: 2,
    run: (turn) => insertWith(turn, (id) => turn.pool.copyInto('ledger', [{ id, writer: turn.tenantId }])),
  },
  {
    name: 'update',
    weight: 8,
    async run({ pool, ledger, tenantId }) {
      const { rows } = await pool.query(
        `update ledger set n = n + 1 where id in (select id from ledger limit 3) returning ${COLUMNS}`,
      )
      ledger.read(tenantId, rows, 'update')
    },
    plannedCodes: ['40P01'],
  },
  {
    name: 'delete',
    weight: 3,
    async run({ pool, ledger, tenantId, random }) {
      const mine = ledger.committedOf(tenantId)
      if (mine.length < 5) return
      const id = random.pick(mine)
      ledger.forget(tenantId, id, 'unknown')
      // Only the level tenant_admin may DELETE in a schema of a tenant.
      await runWithTenant({ tenantId, userId: 'hunter', roles: ['admin'] }, () =>
        pool.query('delete from ledger where id = $1', [id]),
      )
    },
    plannedCodes: ['40P01'],
  },
  {
    name: 'transaction that commits',
    weight: 8,
    run: (turn) =>
      insertWith(turn, (id) =>
        turn.pool.transaction(async (transaction) => {
          await transaction.query(INSERT, [id, turn.tenantId])
          const { rows } = await transaction.query(`select ${COLUMNS} from ledger limit 10`)
          turn.ledger.read(turn.tenantId, rows, 'transaction')
        }),
      ),
  },
  {
    name: 'serializable transaction',
    weight: 3,
    run: (turn) =>
      insertWith(turn, (id) =>
        turn.pool.transaction(
          async (transaction) => {
            const { rows } = await transaction.query(`select ${COLUMNS} from ledger limit 10`)
            turn.ledger.read(turn.tenantId, rows, 'serializable transaction')
            await transaction.query(INSERT, [id, turn.tenantId])
          },
          { isolation: 'serializable', retry: 5 },
        ),
      ),
    plannedCodes: ['40001', '40P01'],
  },
  {
    name: 'transaction whose code throws',
    weight: 4,
    async run({ pool, ledger, tenantId, random }) {
      const id = random.uuid()
      ledger.wrote({ tenantId, id }, 'rolled back')
      await pool.transaction(async (transaction) => {
        await transaction.query(INSERT, [id, tenantId])
        throw new PlannedError('in the middle of a transaction')
      })
    },
  },
  {
    name: 'savepoint that is rolled back',
    weight: 4,
    run: (turn) =>
      insertWith(turn, (id) =>
        turn.pool.transaction(async (transaction) => {
          const gone = turn.random.uuid()
          turn.ledger.wrote({ tenantId: turn.tenantId, id: gone }, 'rolled back')
          await transaction
            .transaction(async (inner) => {
              await inner.query(INSERT, [gone, turn.tenantId])
              throw new PlannedError('in the savepoint')
            })
            .catch((error: unknown) => {
              if (!(error instanceof PlannedError)) throw error
            })
          await transaction.query(INSERT, [id, turn.tenantId])
          const { rows } = await transaction.query(`select ${COLUMNS} from ledger limit 10`)
          turn.ledger.read(turn.tenantId, rows, 'after a savepoint')
        }),
      ),
  },
  {
    name: 'failed statement, then a good one on the same client',
    weight: 5,
    async run({ pool, ledger, tenantId }) {
      const client = await pool.connect()
      try {
        await client.query('select 1 / 0').then(
          () => ledger.violate('refusal that nobody planned', 'a division by zero succeeded'),
          (error: unknown) => {
            if (isLostConnection(error)) throw error
          },
        )
        const { rows } = await client.query(`select ${COLUMNS} from ledger limit 10`)
        ledger.read(tenantId, rows, 'after an error')
        if (rows.length === 0) ledger.violate('own row missing', `${tenantId} sees nothing after an error`)
      } finally {
        client.release()
      }
    },
  },
  {
    name: 'hand-made transaction with an error, rolled back',
    weight: 4,
    async run({ pool, ledger, tenantId, random }) {
      const client = await pool.connect()
      const id = random.uuid()
      ledger.wrote({ tenantId, id }, 'rolled back')
      try {
        await client.query('begin')
        await client.query(INSERT, [id, tenantId])
        await client.query('select 1 / 0').catch((error: unknown) => {
          if (isLostConnection(error)) throw error
        })
        await client.query('rollback')
        const { rows } = await client.query(`select ${COLUMNS} from ledger limit 5`)
        ledger.read(tenantId, rows, 'after a rollback')
      } finally {
        client.release()
      }
    },
  },
  {
    name: 'commit and chain',
    weight: 2,
    run: (turn) =>
      insertWith(turn, async (id) => {
        const client = await turn.pool.connect()
        try {
          await client.query('begin')
          await client.query(INSERT, [id, turn.tenantId])
          await client.query('commit and chain')
          const { rows } = await client.query(`select ${COLUMNS} from ledger limit 5`)
          turn.ledger.read(turn.tenantId, rows, 'after commit and chain')
          if (rows.length === 0) turn.ledger.violate('own row missing', 'nothing is seen after commit and chain')
          await client.query('rollback')
        } finally {
          client.release()
        }
      }),
  },
  {
    name: 'cursor in a transaction',
    weight: 3,
    async run({ pool, ledger, tenantId }) {
      await pool.transaction(async (transaction) => {
        await transaction.query(`declare hunt_cursor cursor for select ${COLUMNS} from ledger`)
        for (let page = 0; page < 3; page++) {
          const { rows } = await transaction.query('fetch 4 from hunt_cursor')
          ledger.read(tenantId, rows, 'cursor')
        }
      })
    },
  },
  {
    name: 'several queries at once',
    weight: 3,
    async run({ pool, ledger, tenantId }) {
      const answers = await Promise.all(
        [1, 2, 3].map((limit) => pool.query(`select ${COLUMNS} from ledger limit ${limit}`)),
      )
      for (const { rows } of answers) ledger.read(tenantId, rows, 'several at once')
    },
  },
]

/** Writes a row and records the result in the ledger. */
async function insertWith(turn: Turn, write: (id: string) => Promise<unknown>): Promise<void> {
  const row = { tenantId: turn.tenantId, id: turn.random.uuid() }
  turn.ledger.wrote(row, 'unknown')
  await write(row.id)
  turn.ledger.wrote(row, 'committed')
}
