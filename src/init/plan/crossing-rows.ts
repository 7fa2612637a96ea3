import type { Queryable } from '../../catalog/model.ts'
import type { ProtectPlan } from '../../protect/change.ts'
import { readCrossings } from '../../protect/crossing/read-crossings.ts'
import { tellCrossings } from '../../protect/crossing/tell-crossings.ts'
import type { ByHand } from './init-plan.ts'

/** Rows that refer to another tenant's row. The migration would stop at them. */
export async function crossingRows(client: Queryable, plan: ProtectPlan): Promise<readonly ByHand[]> {
  await client.query('begin isolation level repeatable read read only')
  try {
    const crossings = await readCrossings(client, plan.crossingChecks)
    return tellCrossings(plan, crossings).map(({ table, sentence, sql }) => ({
      path: table,
      why: sentence,
      lines: [sql],
    }))
  } finally {
    await client.query('rollback')
  }
}
