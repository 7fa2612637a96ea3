import type pg from 'pg'
import type { Relation } from '../catalog/model.ts'
import { quoteIdentifier } from '../catalog/names.ts'
import type { Reading, RowQuestion } from './explanation.ts'

/**
 * Whether the role may use the schema and the table.
 *
 * An UPDATE or DELETE of one row names the row in its WHERE, so PostgreSQL also wants SELECT.
 */
export async function readRights(
  client: pg.Client,
  relation: Relation,
  role: string,
  verb: RowQuestion['verb'],
): Promise<readonly Reading[]> {
  const { rows } = await client.query<{ has: boolean }>(
    "select pg_catalog.has_schema_privilege($1, $2::text, 'USAGE') as has",
    [role, relation.schema],
  )
  const schema = quoteIdentifier(relation.schema)
  const usage = reading(rows[0]?.has === true, `USAGE on schema ${relation.schema}`, {
    role,
    right: `USAGE ON SCHEMA ${schema}`,
  })
  const select = await readTable(client, relation, role, 'SELECT')
  return verb === 'SELECT' ? [usage, select] : [usage, select, await readTable(client, relation, role, verb)]
}

async function readTable(
  client: pg.Client,
  relation: Relation,
  role: string,
  verb: RowQuestion['verb'],
): Promise<Reading> {
  const { rows } = await client.query<{ whole: boolean; column: boolean }>(
    `select pg_catalog.has_table_privilege($1, $2::pg_catalog.oid, $3) as whole,
            case when $3 = 'DELETE' then false
                 else pg_catalog.has_any_column_privilege($1, $2::pg_catalog.oid, $3) end as column`,
    [role, relation.oid, verb],
  )
  const what = `${verb} on ${relation.label}`
  if (rows[0]?.whole !== true && rows[0]?.column === true)
    return grantedColumns(what, await readColumns(client, relation, role, verb))
  const table = `${quoteIdentifier(relation.schema)}.${quoteIdentifier(relation.name)}`
  return reading(rows[0]?.whole === true, what, { role, right: `${verb} ON ${table}` })
}

async function readColumns(
  client: pg.Client,
  relation: Relation,
  role: string,
  verb: RowQuestion['verb'],
): Promise<readonly string[]> {
  const { rows } = await client.query<{ name: string }>(
    `select attname as name from pg_catalog.pg_attribute
      where attrelid = $2::pg_catalog.oid and attnum > 0 and not attisdropped
        and pg_catalog.has_column_privilege($1, attrelid, attnum, $3)
      order by attnum`,
    [role, relation.oid, verb],
  )
  return rows.map(({ name }) => name)
}

function grantedColumns(what: string, columns: readonly string[]): Reading {
  return { what, verdict: 'passes', sentence: `It is granted on these columns only: ${columns.join(', ')}.`, columns }
}

function reading(
  passes: boolean,
  what: string,
  { role, right }: { readonly role: string; readonly right: string },
): Reading {
  if (passes) return { what, verdict: 'passes', sentence: 'It is granted.' }
  return {
    what,
    verdict: 'hides',
    sentence: `It is not granted to ${role}.`,
    grant: `GRANT ${right} TO ${quoteIdentifier(role)};`,
  }
}
