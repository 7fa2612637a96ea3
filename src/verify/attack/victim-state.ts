import type { Relation } from '../../catalog/model.ts'
import { qualifiedName } from '../../catalog/names.ts'
import type { Arena } from './arena.ts'
import { tenantMark } from './victim-row.ts'

/** A query whose one value changes when any row of B in these tables is changed, added or removed. */
export function victimState(arena: Arena, tables: readonly Relation[]): string | undefined {
  const parts = tables.flatMap((table) => {
    const row = arena.row(table, 'b')
    const mark = row === undefined ? undefined : tenantMark(arena, table, row)
    return mark === undefined
      ? []
      : [
          `(select pg_catalog.concat(count(*), pg_catalog.string_agg(ctid::text, ',' order by ctid)) from ${qualifiedName(table)} where ${mark})`,
        ]
  })
  return parts.length === 0 ? undefined : `select pg_catalog.concat_ws(';', ${parts.join(', ')}) as state`
}
