import type { Catalog } from '../catalog/catalog.ts'
import type { BlindKey, Index, Relation } from '../catalog/model.ts'
import { mentions } from './index-cures.ts'

/** Reading all rows of a tenant takes a few milliseconds at most below these numbers. */
const FEW_ROWS = 10_000
const FEW_ROWS_OF_A_TENANT = 5_000

/** A key of an index that policies blind (docs/glossary.md). */
export interface FoundKey {
  readonly index: Index
  readonly key: BlindKey
  /** Whether the index belongs to a constraint, which is enforced all the same. */
  readonly constraint: boolean
}

/**
 * The blind keys of a table for which the schema has no other index: no partial index, no indexed generated column, none in another
 * collation. Empty for a table that is known to be small.
 *
 * @param tenant the number of the tenant column, if the table has one
 */
export function blindKeysOf(catalog: Catalog, relation: Relation, tenant: number | undefined): readonly FoundKey[] {
  if (isSmall(relation, tenant)) return []
  return relation.indexes.flatMap((index) =>
    index.blindKeys
      // PostgreSQL evaluates the policy's own comparison of the tenant column by the index.
      .filter((key) => (key.column === 0 || key.column !== tenant) && !isCured(catalog, relation, key))
      .map((key) => ({ index, key, constraint: isConstraint(index, key) })),
  )
}

/** The estimated number of rows of the largest tenant; undefined without statistics. */
export function largestTenant(relation: Relation, tenant: number | undefined): number | undefined {
  const share = tenant === undefined ? undefined : relation.largestShares.get(tenant)
  return share === undefined ? undefined : Math.round(share * relation.estimatedRows)
}

/** The values of a key's type, if it is an enum. */
export function labelsOf({ types }: Catalog, relation: Relation, key: BlindKey): readonly string[] {
  const column = relation.columns.find(({ number }) => number === key.column)
  return column === undefined ? [] : (types.get(column.baseTypeOid)?.enumLabels ?? [])
}

function isSmall(relation: Relation, tenant: number | undefined): boolean {
  const { estimatedRows } = relation
  if (estimatedRows === 0) return false
  const largest = largestTenant(relation, tenant)
  return estimatedRows < FEW_ROWS || (largest !== undefined && largest < FEW_ROWS_OF_A_TENANT)
}

/**
 * A unique index on an expression is no constraint here: it is how a login looks up `lower(email)`. COALESCE only makes NULLs equal, and
 * queries ask for the column itself.
 */
function isConstraint(index: Index, key: BlindKey): boolean {
  return index.primary || index.exclusion || (index.unique && (key.column !== 0 || /^COALESCE\(/.test(key.key)))
}

function isCured(catalog: Catalog, relation: Relation, key: BlindKey): boolean {
  return hasPartialIndexes(relation, key) || hasTwin(relation, key) || hasLooseIndex(catalog, relation, key)
}

/** `WHERE state = 'open'` on a plain column: the planner proves the predicate, so it uses the index without an index condition. */
function hasPartialIndexes(relation: Relation, key: BlindKey): boolean {
  const column = relation.columns.find(({ number }) => number === key.column)
  return (
    column !== undefined &&
    relation.indexes.some(
      ({ valid, predicate }) => valid && predicate !== undefined && compares(predicate, column.name),
    )
  )
}

/** `(state = 'open'::state)`. The name alone is not enough: `state IS NOT NULL` proves nothing about a value. */
function compares(predicate: string, name: string): boolean {
  return predicate
    .split(' = ')
    .slice(0, -1)
    .some((left) => {
      const side = left.replace(/\)?::[\w ]{1,99}$/, '').replaceAll('"', '')
      return side === name || side.endsWith(`(${name}`) || side.endsWith(` ${name}`)
    })
}

/** An index on a stored column that is computed from the key's column alone, or by the key's expression. */
function hasTwin(relation: Relation, key: BlindKey): boolean {
  const column = relation.columns.find(({ number }) => number === key.column)
  const others = relation.columns.filter(({ name }) => name !== column?.name)
  return relation.columns.some(({ number, generated, default: computed }) => {
    if (generated !== 'stored' || computed === undefined) return false
    const same =
      column === undefined
        ? bare(computed) === bare(key.key)
        : mentions(computed, column.name) && !others.some(({ name }) => mentions(computed, name))
    return (
      same &&
      relation.indexes.some(
        (index) =>
          index.valid && index.columns.includes(number) && !index.blindKeys.some((blind) => blind.column === number),
      )
    )
  })
}

/** An index `(tenant_id, email COLLATE ci)` with a nondeterministic collation finds what lower(email) finds. */
function hasLooseIndex(catalog: Catalog, relation: Relation, key: BlindKey): boolean {
  if (!/^(?:lower|upper)\(/.test(key.key) && key.type !== 'citext') return false
  return relation.indexes.some(
    ({ valid, definition, columns }) =>
      valid &&
      relation.columns.some(
        ({ name, number }) =>
          columns.includes(number) &&
          mentions(key.key, name) &&
          [...catalog.looseCollations].some((loose) =>
            definition.replaceAll('"', '').includes(`${name} COLLATE ${loose}`),
          ),
      ),
  )
}

function bare(expression: string): string {
  return expression.replaceAll(/[()\s]/g, '')
}
