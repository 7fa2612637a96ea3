// Attacks from one place on another: from the shared table on a tenant's schema, from a schema on the shared table, and from schema to schema.
import { runWithTenant } from '../../src/context/run-with-tenant.ts'
import { asPlaced, codeOf, isLostConnection, MISPLACED, type Operation, type Turn } from '../hunt.ts'
import { mustFail } from './hostile.ts'

const COLUMNS = 'tenant_id, id, writer, n'

export const acrossPlaces: readonly Operation[] = [
  {
    name: 'a qualified name of another place: SELECT',
    weight: 4,
    needsSchemas: true,
    async run(turn) {
      const { rows } = await turn.pool.query(`select ${COLUMNS} from ${victimsTable(turn)} limit 20`)
      turn.ledger.read(turn.tenantId, rows, 'a qualified name')
    },
  },
  {
    name: 'a qualified name of another place: UPDATE',
    weight: 2,
    needsSchemas: true,
    plannedCodes: ['40P01'],
    run: (turn) => changesNothing(turn, `update ${victimsTable(turn)} set writer = $1 where tenant_id = $2`),
  },
  {
    name: 'a qualified name of another place: DELETE as an administrator',
    weight: 2,
    needsSchemas: true,
    run: (turn) =>
      changesNothing(turn, `delete from ${victimsTable(turn)} where $1::uuid is not null and tenant_id = $2`),
  },
  {
    name: 'a qualified name of another place: INSERT through the own path',
    weight: 2,
    needsSchemas: true,
    async run(turn) {
      const id = turn.random.uuid()
      turn.ledger.wrote({ tenantId: turn.victimId, id }, 'rolled back')
      await turn.pool.transaction(async (transaction) => {
        const schema = turn.stage.fleet.placementOf(turn.victimId)?.schema ?? 'public'
        await transaction.query(`select set_config('search_path', '${schema}', true)`)
        await mustFail(turn, ['42501', '23514'], () =>
          transaction.query('insert into ledger (tenant_id, id, writer) values ($1, $2, $3)', [
            turn.victimId,
            id,
            turn.tenantId,
          ]),
        )
      })
    },
    // The failed statement ended the transaction.
    plannedCodes: ['PARTYWALL_TRANSACTION_ROLLED_BACK'],
  },
  {
    name: 'a context with the placement of another tenant',
    weight: 3,
    needsSchemas: true,
    async run(turn) {
      const { stage, pool, tenantId, victimId, ledger, random } = turn
      const placement = stage.fleet.placementOf(victimId)
      if (placement === undefined) return
      const id = random.uuid()
      ledger.wrote({ tenantId, id }, 'rolled back')
      const refusals = [MISPLACED, '42501', '23514', '42P01']
      await asPlaced(tenantId, placement, () => pool.query(`select ${COLUMNS} from ledger limit 5`)).then(
        ({ rows }) => ledger.read(tenantId, rows, 'the placement of another tenant'),
        (error: unknown) => allow(error, refusals),
      )
      await mustFail(turn, refusals, () =>
        asPlaced(tenantId, placement, () =>
          pool.query('insert into ledger (id, writer) values ($1, $2)', [id, tenantId]),
        ),
      )
    },
  },
]

function victimsTable({ stage, victimId }: Turn): string {
  return stage.fleet.tableOf(victimId)
}

async function changesNothing({ pool, ledger, tenantId, victimId }: Turn, text: string): Promise<void> {
  const { rowCount } = await runWithTenant({ tenantId, userId: 'hunter', roles: ['admin'] }, () =>
    pool.query(text, [tenantId, victimId]),
  )
  if (rowCount !== 0) ledger.violate('attack succeeded', `${rowCount} rows of ${victimId} were changed by ${tenantId}`)
}

function allow(error: unknown, codes: readonly string[]): void {
  if (!codes.includes(codeOf(error)) && !isLostConnection(error)) throw error
}
