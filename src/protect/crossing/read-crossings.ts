import type { Queryable } from '../../catalog/model.ts'
import { quoteLiteral } from '../../catalog/names.ts'
import type { CrossingCheck } from './crossing-check.ts'

/** The result of a check: a number of rows, or the reason why this number is not known. */
export type Crossing = { readonly check: CrossingCheck } & ({ readonly found: number } | { readonly unread: string })

const MOST_SECONDS_EACH = 5
const MOST_MS_TOGETHER = 30_000

/**
 * Runs the checks. Each check only reads, for at most five seconds. After half a minute, no further check is started.
 *
 * @param db a connection in a transaction; the transaction can continue afterwards
 */
export async function readCrossings(
  db: Queryable,
  checks: readonly CrossingCheck[],
  now: () => number = Date.now,
): Promise<readonly Crossing[]> {
  const started = now()
  const results: Crossing[] = []
  for (const check of checks)
    results.push(
      now() - started > MOST_MS_TOGETHER
        ? { check, unread: `the checks before it took ${MOST_MS_TOGETHER / 1000} seconds` }
        : { check, ...(await run(db, check)) },
    )
  return results
}

async function run(
  db: Queryable,
  check: CrossingCheck,
): Promise<{ readonly found: number } | { readonly unread: string }> {
  await db.query('savepoint partywall_crossing')
  try {
    await db.query(`set local statement_timeout = '${MOST_SECONDS_EACH}s'`)
    const active = check.reads.map((name) => `pg_catalog.row_security_active(${quoteLiteral(name)}::regclass)`)
    const blind = await db.query<{ blind: boolean; role: string }>(
      `select ${active.join(' or ')} as blind, current_user as role`,
    )
    if (blind.rows[0]?.blind === true)
      return { unread: `row-level security hides rows from role ${blind.rows[0].role}` }
    const { rows } = await db.query<{ found: number }>(check.countSql)
    return { found: rows[0]?.found ?? 0 }
  } catch (problem) {
    const code = problem instanceof Error && 'code' in problem ? problem.code : undefined
    if (code === '57014') return { unread: `the query took more than ${MOST_SECONDS_EACH} seconds` }
    return { unread: problem instanceof Error ? problem.message : String(problem) }
  } finally {
    // This also removes the time limit.
    await db.query('rollback to savepoint partywall_crossing')
  }
}
