import type { Column, Relation } from '../../catalog/model.ts'
import { qualifiedName, quoteIdentifier, quoteLiteral } from '../../catalog/names.ts'
import type { ActingRole } from '../../tenancy/facts.ts'
import type { Arena } from './arena.ts'
import { valueMaker } from './plant-values.ts'
import type { Side } from './planting.ts'

/** A value of a column as SQL. */
export function literal(column: Column, value: string | null): string {
  return value === null ? 'null' : `${quoteLiteral(value)}::${column.type}`
}

let serial = 700_000

/**
 * An INSERT of a row like the planted one, with new values in unique columns and with the values of `overrides`.
 * Undefined when no row was planted, or when the role may not write a column of `overrides`.
 *
 * @param omitted columns that are left to their defaults
 */
export function variantInsert(
  arena: Arena,
  relation: Relation,
  side: Side,
  role: ActingRole,
  overrides: ReadonlyMap<Column, string | null>,
  omitted: ReadonlySet<Column> = new Set(),
): string | undefined {
  const { facts } = arena
  const row = arena.row(relation, side)
  if (row === undefined) return undefined
  const may = (column: Column) => facts.privileges.onColumn(role.role.oid, relation, column, 'INSERT')
  if ([...overrides.keys()].some((column) => !may(column))) return undefined
  const maker = valueMaker(facts.catalog, facts.sql)
  const tenant = facts.tenantTable(relation)?.column
  const keyed = new Set(relation.indexes.filter((index) => index.unique).flatMap((index) => index.columns))
  const referring = new Set(
    relation.constraints.flatMap((constraint) => (constraint.references === undefined ? [] : constraint.columns)),
  )
  const values = new Map<Column, string>()
  for (const column of relation.columns) {
    serial += 1
    if (column.generated !== undefined || omitted.has(column) || !may(column)) continue
    const given = overrides.get(column)
    if (given !== undefined) values.set(column, literal(column, given))
    else if (column === tenant) values.set(column, literal(column, row.values[column.name] ?? null))
    else if (column.identity !== undefined || column.default !== undefined) continue
    else if (keyed.has(column.number) && !referring.has(column.number)) {
      const fresh = maker.value(relation, column, serial, `pwv${serial}`)
      if (fresh !== undefined) values.set(column, fresh)
    } else {
      const value = row.values[column.name]
      if (value !== undefined && value !== null) values.set(column, literal(column, value))
    }
  }
  const columns = [...values.keys()]
  if (columns.length === 0) return `insert into ${qualifiedName(relation)} default values`
  const overriding = columns.some((column) => column.identity === 'always') ? ' overriding system value' : ''
  return `insert into ${qualifiedName(relation)} (${columns.map((column) => quoteIdentifier(column.name)).join(', ')})${overriding} values (${[...values.values()].join(', ')})`
}

/** `a = 1 and b = 2` for these columns of a planted row; undefined when a value is missing. */
export function matching(
  columns: readonly Column[],
  values: readonly (string | null | undefined)[],
): string | undefined {
  const parts: string[] = []
  columns.forEach((column, at) => {
    const value = values[at]
    if (value !== undefined && value !== null) parts.push(`${quoteIdentifier(column.name)} = ${literal(column, value)}`)
  })
  return parts.length === columns.length && parts.length > 0 ? parts.join(' and ') : undefined
}
