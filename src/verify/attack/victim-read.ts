import type { Relation } from '../../catalog/model.ts'
import { qualifiedName } from '../../catalog/names.ts'
import type { ActingRole } from '../../tenancy/facts.ts'
import type { Arena } from './arena.ts'
import { rowFilter } from './row-filters.ts'

/** A SELECT of B's planted row that uses only columns which the role may read. Undefined when there are none. */
export function victimRead(arena: Arena, relation: Relation, role: ActingRole): string | undefined {
  const row = arena.row(relation, 'b')
  if (row === undefined) return undefined
  const { privileges } = arena.facts
  const readable = relation.columns.filter((column) => privileges.onColumn(role.role.oid, relation, column, 'SELECT'))
  const filter = rowFilter(relation, row, readable)
  return filter === undefined ? undefined : `select 1 from ${qualifiedName(relation)} where ${filter}`
}
