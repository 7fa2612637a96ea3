import type { Query } from '../sql/tree.ts'

/** `SELECT expression`: always one row. With LIMIT, OFFSET or HAVING there may be no row, and the value would be NULL. */
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
