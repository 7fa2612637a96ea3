import type { Constraint } from '../../catalog/model.ts'
import { qualifiedName, quoteIdentifier } from '../../catalog/names.ts'
import { objectName } from '../../catalog/object-name.ts'
import type { Planning } from '../input.ts'
import type { Target } from '../target.ts'

/** A foreign key between two tenant tables that does not contain the tenant, and a query for rows that refer to another tenant's row. */
export interface CrossingCheck {
  /** `public.tasks`, the table with the key, and `public.users`, to which it refers. */
  readonly table: string
  readonly parent: string
  /** `assignee_id`. */
  readonly columns: string
  readonly constraint: string
  /** The name of the composite key, with the tenant, by which the migration can replace this key. */
  readonly composite: string
  /** The tables that the query reads, quoted for SQL. */
  readonly reads: readonly string[]
  /** Lists at most 100 such rows. */
  readonly listSql: string
  /** One row with `found`: the number of such rows, at most {@link MOST_COUNTED}. */
  readonly countSql: string
}

export const MOST_COUNTED = 1000

/**
 * The check of one foreign key. Undefined if the key contains the tenant, if the row takes its tenant from this key, or if the key does not
 * lead from one tenant table to another.
 */
export function crossingCheck(planning: Planning, target: Target, constraint: Constraint): CrossingCheck | undefined {
  const { references } = constraint
  const parent = references === undefined ? undefined : planning.targetOf(references.relation)
  if (references === undefined || parent === undefined || parent.kind === 'root' || constraint.parent !== 0)
    return undefined
  const columns = columnNames(target, constraint.columns)
  const theirs = columnNames(parent, references.columns)
  if (theirs.includes(parent.column.name) || isOwnLink(target, parent, columns)) return undefined
  const own = tenantOf(planning, target, 'child')
  const other = tenantOf(planning, parent, 'parent')
  if (own === undefined || other === undefined) return undefined
  const cast = target.column.type === parent.column.type ? '' : '::text'
  const joins = [
    `JOIN ${qualifiedName(parent.relation)} AS parent ON ${pairs('parent', theirs, 'child', columns)}`,
    ...own.joins,
    ...other.joins,
  ]
  const from = `FROM ${qualifiedName(target.relation)} AS child ${joins.join(' ')} WHERE ${own.sql} IS NOT NULL AND ${own.sql}${cast} IS DISTINCT FROM ${other.sql}${cast}`
  const shown = [...new Set([...keyOf(target), ...columns])].map((name) => `child.${quoteIdentifier(name)}`)
  return {
    table: target.relation.label,
    parent: parent.relation.label,
    columns: columns.join(', '),
    constraint: constraint.name,
    composite: compositeName(constraint),
    reads: [...new Set([target, parent].flatMap((each) => [qualifiedName(each.relation), ...linked(planning, each)]))],
    listSql: `SELECT ${shown.join(', ')}, ${own.sql} AS tenant, ${other.sql} AS tenant_of_parent ${from} LIMIT 100;`,
    countSql: `SELECT count(*)::int AS found FROM (SELECT ${from} LIMIT ${MOST_COUNTED}) AS crossing`,
  }
}

/** The name of the composite key, with the tenant, that replaces this key. */
export function compositeName({ name }: Constraint): string {
  return objectName([name], '_tenant')
}

/** SQL for the tenant of a row, and the joins that it needs. A child table without a tenant column has the tenant of its parent. */
function tenantOf(
  planning: Planning,
  target: Target,
  alias: string,
): { readonly sql: string; readonly joins: readonly string[] } | undefined {
  const { link, column } = target
  if (link === undefined) return { sql: `${alias}.${quoteIdentifier(column.name)}`, joins: [] }
  const parent = planning.targetOf(link.parent.oid)
  if (parent === undefined) return undefined
  const above = `${alias}_of`
  const found = tenantOf(planning, parent, above)
  if (found === undefined) return undefined
  const join = `JOIN ${qualifiedName(parent.relation)} AS ${above} ON ${pairs(above, link.parentColumns, alias, link.columns)}`
  return { sql: found.sql, joins: [join, ...found.joins] }
}

/** The tables from which the tenant of a row is taken. */
function linked(planning: Planning, { link }: Target): readonly string[] {
  const parent = link === undefined ? undefined : planning.targetOf(link.parent.oid)
  return parent === undefined ? [] : [qualifiedName(parent.relation), ...linked(planning, parent)]
}

/** Whether the row takes its tenant from the row to which this key refers, so that the two tenants can't differ. */
function isOwnLink({ link }: Target, parent: Target, columns: readonly string[]): boolean {
  return link !== undefined && link.parent.oid === parent.relation.oid && link.columns.join() === columns.join()
}

function pairs(left: string, lefts: readonly string[], right: string, rights: readonly string[]): string {
  return rights
    .map((name, at) => `${left}.${quoteIdentifier(lefts[at] ?? '')} = ${right}.${quoteIdentifier(name)}`)
    .join(' AND ')
}

function keyOf(target: Target): readonly string[] {
  const key = target.relation.constraints.find(({ kind }) => kind === 'primary-key')
  return key === undefined ? [] : columnNames(target, key.columns)
}

function columnNames({ relation }: Target, numbers: readonly number[]): readonly string[] {
  return numbers.map((number) => relation.columns.find((column) => column.number === number)?.name ?? '')
}
