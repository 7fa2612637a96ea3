import type pg from 'pg'
import type { Relation } from '../catalog/model.ts'
import { qualifiedName, quoteIdentifier } from '../catalog/names.ts'
import type { Reading } from './explanation.ts'
import type { ApplyingPolicy } from './policies-for.ts'

/** The result of all policies together for one row. */
export interface JudgedPolicies {
  readonly readings: readonly Reading[]
  readonly together: Reading['verdict']
  /** The verdict of the policies for SELECT. These policies also apply to an UPDATE or DELETE with a WHERE clause. */
  readonly select: Reading['verdict']
}

/**
 * Evaluates the policies of a table for one row, in the session of the tenant.
 *
 * @param lists the first list has the policies for SELECT. For an UPDATE or DELETE, a second list has the policies for this command. Each
 *   list must let the row pass
 */
export async function judgePolicies(
  client: pg.Client,
  relation: Relation,
  lists: readonly (readonly ApplyingPolicy[])[],
  rowValue: string,
): Promise<JudgedPolicies> {
  const { rows } = await client.query<{ active: boolean }>('select pg_catalog.row_security_active($1::oid) as active', [
    relation.oid,
  ])
  if (rows[0]?.active !== true) {
    const sentence = relation.rowSecurity
      ? 'The role owns the table or bypasses row-level security, so no policy applies.'
      : 'Row-level security is off, so no policy applies.'
    return { readings: [{ what: 'policies', verdict: 'passes', sentence }], together: 'passes', select: 'passes' }
  }
  const judged = new Map<string, Reading>()
  for (const policy of lists.flat()) {
    if (!judged.has(policy.name)) judged.set(policy.name, await judgePolicy(client, relation, policy, rowValue))
  }
  const verdicts = lists.map((policies) => together(policies, judged))
  const dark = lists.some((policies) => policies.every(({ permissive }) => !permissive))
  const none: Reading = {
    what: 'policies',
    verdict: 'hides',
    sentence: 'No permissive policy applies to the role and the command, so PostgreSQL hides every row.',
  }
  return {
    readings: [...(dark ? [none] : []), ...judged.values()],
    together: allOf(verdicts),
    select: verdicts[0] ?? 'passes',
  }
}

/** Joins the verdicts as PostgreSQL does: one permissive policy and all restrictive policies must let the row pass. */
function together(policies: readonly ApplyingPolicy[], judged: ReadonlyMap<string, Reading>): Reading['verdict'] {
  const verdicts = (permissive: boolean) =>
    policies
      .filter((policy) => policy.permissive === permissive)
      .map(({ name }) => judged.get(name)?.verdict ?? 'unknown')
  return allOf([anyOf(verdicts(true)), ...verdicts(false)])
}

function anyOf(verdicts: readonly Reading['verdict'][]): Reading['verdict'] {
  return verdicts.includes('passes') ? 'passes' : verdicts.includes('unknown') ? 'unknown' : 'hides'
}

function allOf(verdicts: readonly Reading['verdict'][]): Reading['verdict'] {
  return verdicts.includes('hides') ? 'hides' : verdicts.includes('unknown') ? 'unknown' : 'passes'
}

/**
 * Evaluates one policy for one row, in the session of the tenant.
 *
 * The row is given to the expression as a value, so that the expression runs with the rights of the role, and its subqueries see what the
 * role sees.
 */
async function judgePolicy(
  client: pg.Client,
  relation: Relation,
  policy: ApplyingPolicy,
  rowValue: string,
): Promise<Reading> {
  const what = `policy ${policy.name}${policy.permissive ? '' : ' (restrictive)'}`
  if (policy.expression === null) return { what, verdict: 'passes', sentence: 'It has no USING.' }
  const { expression } = policy
  const table = quoteIdentifier(relation.name)
  await client.query('savepoint policy')
  try {
    const { rows } = await client.query<{ passes: boolean | null }>(
      `select (${expression}) as passes from (select ($1::${qualifiedName(relation)}).*) as ${table}`,
      [rowValue],
    )
    await client.query('release savepoint policy')
    const passes = rows[0]?.passes ?? null
    if (passes === true) return { what, verdict: 'passes', sentence: 'It is true for the row.', expression }
    const value = passes === null ? 'null, which counts as false,' : 'false'
    return { what, verdict: 'hides', sentence: `It is ${value} for the row.`, expression }
  } catch (error) {
    await client.query('rollback to savepoint policy')
    const message = error instanceof Error ? error.message : String(error)
    return { what, verdict: 'unknown', sentence: `It can't be evaluated: ${message}.`, expression }
  }
}
