import type { Query } from '../sql/tree.ts'

/** `SELECT expression`: always one row. LIMIT, OFFSET and HAVING may take it away, and the value is NULL then. */
export function isBareSelect(query: Query): boolean {
  return (
    query.from.length === 0 &&
    query.where === undefined &&
    query.setOperation === undefined &&
    query.values.length === 0 &&
    query.with.length === 0 &&
    query.others.length === 0 &&
    !query.groups &&
    !query.groupsNothing &&
    !query.limited &&
    query.targets.length === 1
  )
}
