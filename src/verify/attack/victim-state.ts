import type { Relation } from '../../catalog/model.ts'
import { qualifiedName } from '../../catalog/names.ts'
import type { Verb } from '../../catalog/verbs.ts'
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

/**
 * The cells that changed between two answers of {@link victimState}. If there are fewer rows, the verb is DELETE; if there are more,
 * INSERT; otherwise UPDATE.
 */
export function changedCells(
  tables: readonly Relation[],
  before: string,
  after: string,
): readonly { readonly object: string; readonly verb: Verb }[] {
  const [old, now] = [before.split(';'), after.split(';')]
  // A table whose planted row has no tenant has no part in the state.
  if (old.length !== tables.length || now.length !== tables.length) return []
  return tables.flatMap((table, at) => {
    const [was = '', is = ''] = [old[at], now[at]]
    if (was === is) return []
    const grew = Number.parseInt(is, 10) - Number.parseInt(was, 10)
    return [{ object: table.label, verb: grew < 0 ? 'delete' : grew > 0 ? 'insert' : 'update' } as const]
  })
}
