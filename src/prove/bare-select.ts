import type { Query } from '../sql/tree.ts'

/**
 * Whether the query is `SELECT expression`, which always has one row. With LIMIT, OFFSET or HAVING it could have no row, and its value
 * would be NULL.
 */
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
