// Operations of an attacker inside one tenant's code or SQL. They try to become another tenant, or to leave state on the connection that
// harms the next tenant. Each must end without harm, or with an expected refusal.
import { asAnotherRequest, codeOf, isLostConnection, MISPLACED, type Operation, type Turn } from '../hunt.ts'

import { SEED } from '../stage.ts'

const COLUMNS = 'tenant_id, id, writer, n'
const REFUSED = 'PARTYWALL_STATEMENT_REFUSED'
const ISOLATED = 'PARTYWALL_TENANT_ISOLATION'

/** Leaves residue with a plain SELECT, whose command tag does not show it. */
const selects: readonly (readonly [name: string, text: (turn: Turn) => string])[] = [
  ['tenant for the session', ({ victimId }) => `set_config('app.current_tenant_id', '${victimId}', false)`],
  ['seal for the session', () => "set_config('app.tenant_seal', current_setting('app.tenant_seal', true), false)"],
  ['search_path for the session', () => "set_config('search_path', 'pg_temp, pg_catalog', false)"],
  [
    'search_path of another tenant',
    ({ stage, victimId }) =>
      `set_config('search_path', '${stage.fleet.placementOf(victimId)?.schema ?? 'public'}', false)`,
  ],
  ['row_security for the session', () => "set_config('row_security', 'off', false)"],
  ['read-only for the session', () => "set_config('default_transaction_read_only', 'on', false)"],
  ['time-out for the session', () => "set_config('statement_timeout', '1', false)"],
  ['role for the session', () => "set_config('role', 'tenant_admin', false)"],
  ['a seed for random()', () => `setseed(${SEED})::text`],
  ['a value of a sequence', () => "nextval('public.hunt_numbers')::text"],
  ['an advisory lock', ({ random }) => `pg_advisory_lock(${random.below(1_000_000)})::text`],
]

/** Commands that the strict pool refuses. The pool that allows them must clean the connection before the next tenant. */
const commands: readonly (readonly [name: string, text: (turn: Turn) => string])[] = [
  ['DO', ({ victimId }) => `do $$ begin perform set_config('app.current_tenant_id', '${victimId}', false); end $$`],
  ['SET', () => 'set row_security = off'],
  ['SET SESSION', ({ victimId }) => `set session app.current_tenant_id = '${victimId}'`],
  ['SET ROLE', () => 'set role tenant_admin'],
  ['LISTEN', () => 'listen hunt_channel'],
  ['PREPARE', () => `prepare hunt_${Math.trunc(performance.now() * 1000)} as select 1`],
  ['DEALLOCATE', () => 'deallocate all'],
  ['SELECT INTO', () => 'select * into temp ledger from public.ledger'],
  ['SELECT INTO behind a CTE', () => 'with insert as (select 1 as n) select n insert into temp ledger from insert'],
  ['CREATE', () => 'create temp table ledger (tenant_id uuid, id uuid, writer uuid, n integer)'],
]

export const hostileOperations: readonly Operation[] = [
  ...selects.map(
    ([name, text]): Operation => ({
      name: `residue by SELECT: ${name}`,
      weight: 2,
      // The server's policies refuse some of them with an error, which counts as a refusal too.
      plannedCodes: ['42501', '22023'],
      async run(turn) {
        const { rows } = await turn.pool.query(`select ${text(turn)} as left_behind`)
        if (rows.length !== 1) turn.ledger.violate('refusal that nobody planned', `${name}: no answer`)
      },
    }),
  ),
  ...commands.flatMap(([name, text]): Operation[] => [
    {
      name: `refused command: ${name}`,
      weight: 1,
      only: 'strict',
      async run(turn) {
        await mustFail(turn, [REFUSED], () => turn.stage.strict.query(text(turn)))
      },
    },
    {
      name: `residue by command: ${name}`,
      weight: 1,
      only: 'open',
      // Expected: TEMP is revoked, and SET ROLE to a role that was not granted fails.
      plannedCodes: ['42501', REFUSED],
      async run(turn) {
        await turn.stage.open.query(text(turn))
      },
    },
  ]),
  {
    // The attacker knows the name of our prepared statement from pg_prepared_statements, and puts a no-op in its place.
    name: 'residue by command: our own statement replaced',
    weight: 3,
    only: 'open',
    plannedCodes: ['26000', '42P05', '42501'],
    async run({ stage, victimId, tenantId }) {
      const client = await stage.open.connect()
      try {
        const { rows } = await client.query(
          "select name, cardinality(parameter_types) as n from pg_prepared_statements where name like 'partywall%'",
        )
        for (const { name, n } of rows) {
          const numbers = Array.from({ length: Number(n) }, (_, index) => index + 1)
          const types = numbers.length === 0 ? '' : `(${numbers.map(() => 'text').join(', ')})`
          const unused = numbers.map((number) => `$${number}::text is null`).join(' and ')
          await client.query(`deallocate "${name}"`)
          await client.query(`prepare "${name}" ${types} as select where ${unused || 'false'}`)
        }
        await client.query(`select set_config('app.current_tenant_id', '${tenantId}', false),
          set_config('app.tenant_seal', current_setting('app.tenant_seal', true), false),
          set_config('role', 'tenant_user', false), '${victimId}'`)
      } finally {
        client.release()
      }
    },
  },
  {
    name: 'injection: set_config and query_to_xml in one SELECT',
    weight: 3,
    needsSeal: true,
    plannedCodes: ['42501'],
    async run(turn) {
      const { rows } = await turn.pool.query(
        `select set_config('app.current_tenant_id', '${turn.victimId}', true),
                query_to_xml('select tenant_id from ${turn.stage.fleet.tableOf(turn.victimId)}', true, false, '')::text as stolen`,
      )
      for (const row of rows) {
        if (String(row.stolen).includes(turn.victimId)) {
          turn.ledger.violate('attack succeeded', `query_to_xml gave ${turn.tenantId} rows of ${turn.victimId}`)
        }
      }
    },
  },
  {
    name: 'a foreign tenant in an INSERT',
    weight: 3,
    async run(turn) {
      const id = turn.random.uuid()
      turn.ledger.wrote({ tenantId: turn.victimId, id }, 'rolled back')
      await mustFail(turn, ['42501'], () =>
        turn.pool.query(
          `insert into ${turn.stage.fleet.tableOf(turn.victimId)} (tenant_id, id, writer) values ($1, $2, $3)`,
          [turn.victimId, id, turn.tenantId],
        ),
      )
    },
  },
  {
    name: 'a row moved to a foreign tenant',
    weight: 2,
    async run(turn) {
      // The CHECK of a tenant's own table refuses it with 23514.
      await mustFail(turn, ['42501', '23514'], () =>
        turn.pool.query('update ledger set tenant_id = $1', [turn.victimId]),
      )
    },
  },
  {
    name: "a client used in another tenant's context",
    weight: 3,
    async run(turn) {
      const client = await turn.pool.connect()
      try {
        await asAnotherRequest(turn.stage, turn.victimId, () =>
          mustFail(turn, [ISOLATED], () => client.query(`select ${COLUMNS} from ledger limit 1`)),
        )
      } finally {
        client.release()
      }
    },
  },
  {
    name: "a transaction used in another tenant's context",
    weight: 3,
    async run(turn) {
      await turn.pool.transaction(async (transaction) => {
        await transaction.query('select 1')
        await asAnotherRequest(turn.stage, turn.victimId, () =>
          mustFail(turn, [ISOLATED], () => transaction.query(`select ${COLUMNS} from ledger limit 1`)),
        )
      })
    },
  },
  {
    // In one tick, so that on a pipelined connection the write follows the attacker's statement at once.
    name: 'a default of the session, and the write of another tenant behind it',
    weight: 2,
    async run(turn) {
      const id = turn.random.uuid()
      turn.ledger.wrote({ tenantId: turn.victimId, id }, 'unknown')
      const left = turn.pool.query("select set_config('default_transaction_read_only', 'on', false)")
      const wrote = asAnotherRequest(turn.stage, turn.victimId, () =>
        turn.pool.query('insert into ledger (id, writer) values ($1, $2)', [id, turn.victimId]),
      )
      const [, answer] = await Promise.allSettled([left, wrote])
      if (answer.status === 'fulfilled') turn.ledger.wrote({ tenantId: turn.victimId, id }, 'committed')
      else if (codeOf(answer.reason) === MISPLACED) throw answer.reason
      else if (!isLostConnection(answer.reason))
        turn.ledger.violate('refusal that nobody planned', `the write of ${turn.victimId}: ${String(answer.reason)}`)
    },
  },
  {
    name: 'two statements in one text',
    weight: 2,
    async run(turn) {
      await mustFail(turn, [REFUSED], () => turn.pool.query(`select 1; select ${COLUMNS} from ledger`))
    },
  },
]

export async function mustFail(turn: Turn, codes: readonly string[], attack: () => Promise<unknown>): Promise<void> {
  try {
    await attack()
  } catch (error) {
    if (codes.includes(codeOf(error)) || isLostConnection(error)) return
    throw error
  }
  turn.ledger.violate('attack succeeded', `nothing refused it: ${codes.join(' or ')} was due`)
}
