import { quoteIdentifier } from '../../catalog/names.ts'
import type { AttackSession } from '../attack/session.ts'

interface PlantedColumn extends Record<string, unknown> {
  readonly name: string
  readonly type: string
  readonly category: string
  readonly enumLabel: string | null
}

/**
 * Makes sure that the table holds a row, so that an attack has something to reach. Foreign keys and triggers are off for the insert.
 *
 * @returns whether there is a row now
 */
export async function plantFleetRow(session: AttackSession, table: string): Promise<boolean> {
  const filled = await session.probe(() => session.text(`select 1 from ${table} limit 1`))
  if (filled.ok && filled.value.count > 0) return true
  const { rows } = await session.query<PlantedColumn>(
    `select a.attname::text as name, pg_catalog.format_type(a.atttypid, a.atttypmod) as type, t.typcategory::text as category,
       (select e.enumlabel::text from pg_catalog.pg_enum e where e.enumtypid = t.oid order by e.enumsortorder limit 1) as "enumLabel"
     from pg_catalog.pg_attribute a join pg_catalog.pg_type t on t.oid = a.atttypid
     where a.attrelid = $1::pg_catalog.regclass and a.attnum > 0 and not a.attisdropped and a.attnotnull and not a.atthasdef and a.attidentity = ''`,
    [table],
  )
  const columns = rows.map(({ name }) => quoteIdentifier(name))
  const insert =
    rows.length === 0
      ? `insert into ${table} default values`
      : `insert into ${table} (${columns.join(', ')}) values (${rows.map(anyValue).join(', ')})`
  await session.run('savepoint partywall_plant')
  try {
    await session.run(
      `set local session_replication_role = replica; ${insert}; set local session_replication_role = origin`,
    )
    return true
  } catch {
    // A CHECK or a domain needs other values. Then only the table's policies are judged, without an attack.
    await session.run('rollback to savepoint partywall_plant')
    return false
  }
}

/** A value of the column's type. */
function anyValue({ type, category, enumLabel }: PlantedColumn): string {
  if (enumLabel !== null) return `'${enumLabel.replaceAll("'", "''")}'::${type}`
  if (type === 'uuid') return 'pg_catalog.gen_random_uuid()'
  if (/^jsonb?$/.test(type)) return `'{}'::${type}`
  switch (category) {
    case 'N':
      return `1::${type}`
    case 'B':
      return 'true'
    case 'D':
      return `pg_catalog.now()::${type}`
    case 'T':
      return `'1 day'::${type}`
    case 'A':
      return `'{}'::${type}`
    default:
      return `'x'::${type}`
  }
}
