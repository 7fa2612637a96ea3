import type pg from 'pg'
import type { Relation } from '../catalog/model.ts'
import { quoteIdentifier } from '../catalog/names.ts'
import type { Reading, RowQuestion } from './explanation.ts'

/** Whether the role may use the schema and the table. */
export async function readRights(
  client: pg.Client,
  relation: Relation,
  role: string,
  verb: RowQuestion['verb'],
): Promise<readonly Reading[]> {
  const { rows } = await client.query<{ schema: boolean; whole: boolean; column: boolean }>(
    `select pg_catalog.has_schema_privilege($1, $2::text, 'USAGE') as schema,
            pg_catalog.has_table_privilege($1, $3::pg_catalog.oid, $4) as whole,
            case when $4 = 'DELETE' then false
                 else pg_catalog.has_any_column_privilege($1, $3::pg_catalog.oid, $4) end as column`,
    [role, relation.schema, relation.oid, verb],
  )
  const [has] = rows
  if (has === undefined) return []
  const schema = quoteIdentifier(relation.schema)
  const granted = (passes: boolean, what: string, on: string, name: string): Reading => ({
    what: `${what} on ${name}`,
    verdict: passes ? 'passes' : 'hides',
    sentence: passes ? `${role} has it.` : `${role} lacks it. Fix: GRANT ${what} ON ${on} TO ${quoteIdentifier(role)};`,
  })
  const table = granted(has.whole, verb, `${schema}.${quoteIdentifier(relation.name)}`, relation.label)
  return [
    granted(has.schema, 'USAGE', `SCHEMA ${schema}`, `schema ${relation.schema}`),
    !has.whole && has.column
      ? { ...table, verdict: 'passes', sentence: `${role} has it on some columns only.` }
      : table,
  ]
}
