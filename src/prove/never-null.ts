import type { Relation } from '../catalog/model.ts'
import type { Facts } from '../tenancy/facts.ts'

/**
 * Whether no stored row has NULL in the column. A NOT NULL constraint that is NOT VALID does not check old rows, and a NO INHERIT
 * constraint does not apply to child tables.
 */
export function isNeverNull(facts: Facts, relation: Relation, name: string): boolean {
  const column = relation.columns.find((candidate) => candidate.name === name)
  if (column?.notNull !== true) return false
  const unsure = relation.constraints.some(
    (constraint) =>
      constraint.kind === 'not-null' && constraint.columns.includes(column.number) && !constraint.validated,
  )
  return (
    !unsure &&
    relation.children.every((oid) => {
      const child = facts.relationOf(oid)
      return child !== undefined && isNeverNull(facts, child, name)
    })
  )
}
