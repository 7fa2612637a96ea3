import type pg from 'pg'
import type { Relation } from '../catalog/model.ts'
import { qualifiedName, quoteIdentifier } from '../catalog/names.ts'
import { ConfigurationError } from '../errors.ts'
import type { Facts } from '../tenancy/facts.ts'
import type { RowQuestion } from './explanation.ts'
import { rowCondition } from './row-condition.ts'

/**
 * Finds the table that a question names.
 *
 * @throws {ConfigurationError} `PARTYWALL_CONFIGURATION` if the name is unknown or ambiguous, or does not belong to a table
 */
export function findTable({ catalog, tenancy }: Facts, name: string): Relation {
  const named = [...catalog.relations.values()].filter(
    (relation) => relation.label === name || qualifiedName(relation) === name || relation.name === name,
  )
  const exact = named.filter((relation) => relation.label === name)
  const judged = named.filter(({ schema }) => tenancy.schemas.has(schema))
  const [found, ...others] = exact.length > 0 ? exact : judged.length > 0 ? judged : named
  if (found === undefined) throw new ConfigurationError(`There is no table ${name}. Write it as schema.table.`)
  if (others.length > 0)
    throw new ConfigurationError(
      `There are ${others.length + 1} tables ${name}: ${[found, ...others].map(({ schema }) => schema).join(', ')}. Write schema.table.`,
    )
  if (found.kind !== 'table' && found.kind !== 'partitioned-table')
    throw new ConfigurationError(`${found.label} is no table. Ask about the tables that it reads.`)
  return found
}

/** A row that was found, as the text of its composite value. */
export interface FoundRow {
  readonly value: string
  /** The tenant in the tenant column, as text; undefined if the table has no tenant column, or the column is NULL. */
  readonly tenant: string | undefined
  /** The name of the tenant column, if the table has one. */
  readonly tenantColumn: string | undefined
}

/**
 * Reads one row as the role of the connection, which must see all rows.
 *
 * @returns undefined if there is no such row
 * @throws {ConfigurationError} `PARTYWALL_CONFIGURATION` if policies would hide rows from the role, if several rows have the values, if a
 *   column is unknown, or if a value is not valid for its column's type
 */
export async function findRow(
  client: pg.Client,
  relation: Relation,
  row: RowQuestion['row'],
  tenantColumn: string | undefined,
): Promise<FoundRow | undefined> {
  const { where, values } = rowCondition(row)
  const tenant = tenantColumn === undefined ? 'null' : `t.${quoteIdentifier(tenantColumn)}::text`
  // With row_security off, PostgreSQL reports an error if a policy would hide rows. It never hides rows silently.
  await client.query('set local row_security = off')
  const { rows } = await client
    .query<{ value: string; tenant: string | null }>(
      `select t::text as value, ${tenant} as tenant from ${qualifiedName(relation)} as t where ${where} limit 2`,
      [...values],
    )
    .catch((error: unknown) => {
      throw new ConfigurationError(problemOf(error, relation), { cause: error })
    })
  if (rows.length > 1)
    throw new ConfigurationError('Several rows have these values. Give the columns of the primary key with --row.')
  const [found] = rows
  return found === undefined ? undefined : { value: found.value, tenant: found.tenant ?? undefined, tenantColumn }
}

function problemOf(error: unknown, relation: Relation): string {
  const message = error instanceof Error ? error.message : String(error)
  const code = error instanceof Error && 'code' in error ? error.code : undefined
  if (code !== '42501') return `The row can't be looked up: ${message}.`
  return `The role of --database-url does not see all rows of ${relation.label}, so it can't say whether the row exists. Use a superuser or a role with BYPASSRLS.`
}
