import type { Oid, Queryable } from '../catalog/model.ts'
import { qualifiedName, quoteIdentifier } from '../catalog/names.ts'
import type { FoundTable } from './target.ts'

/** Returns the tables in which the current role sees rows without a tenant. Only tables with a nullable tenant column are queried. */
export async function readOrphans(db: Queryable, tables: readonly FoundTable[]): Promise<ReadonlySet<Oid>> {
  const orphans = new Set<Oid>()
  for (const table of tables) {
    if (table.kind !== 'tenant' || table.column.notNull || table.relation.kind === 'foreign-table') continue
    const { rows } = await db.query<{ found: boolean }>(
      `select exists (select from ${qualifiedName(table.relation)} where ${quoteIdentifier(table.column.name)} is null) as found`,
    )
    if (rows[0]?.found === true) orphans.add(table.relation.oid)
  }
  return orphans
}
