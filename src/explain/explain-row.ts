import type pg from 'pg'
import type { Relation } from '../catalog/model.ts'
import { qualifiedName } from '../catalog/names.ts'
import type { Facts } from '../tenancy/facts.ts'
import { type Conclusion, conclude } from './conclude.ts'
import type { Explanation, Reading, RowQuestion } from './explanation.ts'
import { type FoundRow, findRow, findTable } from './find-row.ts'
import { judgePolicies } from './judge-policies.ts'
import { policiesFor } from './policies-for.ts'
import { readRights } from './read-rights.ts'
import { readSeal } from './read-seal.ts'
import { rowCondition } from './row-condition.ts'
import { enterTenant, isSealed, type TenantSubject } from './tenant-session.ts'

/**
 * Says why a tenant does not see a row when statements run as one role: a missing privilege, the seal or a policy hides it.
 *
 * It reads in one transaction that is read-only and rolled back. The client's role must see all rows.
 *
 * @throws {ConfigurationError} `PARTYWALL_CONFIGURATION` for an unknown table or column, several rows, and a role that does not see all rows
 */
export async function explainRow(
  client: pg.Client,
  facts: Facts,
  role: string,
  asked: { readonly question: RowQuestion; readonly subject: TenantSubject },
): Promise<Explanation> {
  const { question, subject } = asked
  const relation = findTable(facts, question.table)
  const tenantTable = facts.tenancy.tables.get(relation.oid)
  const answer = (readings: readonly Reading[], end: Conclusion): Explanation => ({
    table: relation.label,
    role,
    verb: question.verb,
    readings,
    ...end,
  })
  await client.query('begin isolation level repeatable read read only')
  try {
    const row = await findRow(client, relation, question.row, tenantTable?.column?.name)
    if (row === undefined) {
      const sentence = 'No row of the table has these values.'
      const conclusion = `${sentence} No policy hides it.`
      return answer([{ what: 'the row', verdict: 'hides', sentence }], {
        outcome: 'hidden',
        foreign: undefined,
        conclusion,
      })
    }
    const rights = await readRights(client, relation, role, question.verb)
    const policies = await policiesOf(client, relation, role, question.verb)
    const placement = await placementOf(client, relation)
    await client.query('set local row_security = on')
    await enterTenant(client, facts, role, { ...subject, placement })
    const seal = isSealed(facts) ? [await readSeal(client, subject)] : []
    const judged = await judgePolicies(client, relation, policies, row.value)
    const seen = await sees(client, relation, question.row)
    const found = { row, rights, seal, judged, seen }
    return answer([ownerOf(row, subject), ...rights, ...seal, ...judged.readings], conclude(found, question, subject))
  } finally {
    await client.query('rollback').catch(() => {}) // a broken connection rolls back by itself
  }
}

function ownerOf({ tenant, tenantColumn }: FoundRow, subject: TenantSubject): Reading {
  if (tenant === undefined && tenantColumn !== undefined)
    return {
      what: 'the row',
      verdict: 'passes',
      sentence: `It exists. ${tenantColumn} is NULL, so it belongs to no tenant.`,
    }
  if (tenant === undefined)
    return { what: 'the row', verdict: 'passes', sentence: 'It exists. The table has no tenant column.' }
  if (tenant === subject.tenant)
    return { what: 'the row', verdict: 'passes', sentence: 'It exists, and belongs to this tenant.' }
  return { what: 'the row', verdict: 'hides', sentence: `It exists, and belongs to tenant ${tenant}.` }
}

/** The schema of the table, if it is registered as a tenant's own. */
async function placementOf(client: pg.Client, { schema }: Relation): Promise<string | undefined> {
  const { rows } = await client.query<{ known: boolean }>(
    "select pg_catalog.to_regclass('partywall.schemas') is not null as known",
  )
  if (rows[0]?.known !== true) return undefined
  const { rows: placed } = await client.query('select from partywall.schemas where schema_name = $1', [schema])
  return placed.length > 0 ? schema : undefined
}

/** The list of policies for SELECT and, for a verb that changes rows, also the list for this verb. Each list must let the row pass. */
async function policiesOf(client: pg.Client, relation: Relation, role: string, verb: RowQuestion['verb']) {
  const select = await policiesFor(client, relation, role, 'SELECT')
  return verb === 'SELECT' ? [select] : [select, await policiesFor(client, relation, role, verb)]
}

/** Whether PostgreSQL itself returns the row; undefined if it reports an error. */
async function sees(client: pg.Client, relation: Relation, row: RowQuestion['row']): Promise<boolean | undefined> {
  const { where, values } = rowCondition(row)
  await client.query('savepoint seen')
  try {
    const { rows } = await client.query(`select from ${qualifiedName(relation)} as t where ${where}`, [...values])
    return rows.length > 0
  } catch {
    await client.query('rollback to savepoint seen')
    return undefined
  }
}
