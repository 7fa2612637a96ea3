import type { Catalog } from '../catalog/catalog.ts'
import type { BlindKey, Index, Relation } from '../catalog/model.ts'
import { mentions } from './index-cures.ts'

/** If a table or its largest tenant has fewer rows than this, reading all rows of a tenant takes a few milliseconds at most. */
const FEW_ROWS = 10_000
const FEW_ROWS_OF_A_TENANT = 5_000

/** A blind key (docs/glossary.md) and its index. */
export interface FoundKey {
  readonly index: Index
  readonly key: BlindKey
  /** Whether the index belongs to a constraint. PostgreSQL enforces the constraint although queries can't use the index. */
  readonly constraint: boolean
}

/**
 * Returns those blind keys of a table that still need an index. A key needs no further index if queries can use a partial index, an index
 * on a generated column, or an index with another collation. Empty if the table is known to be small.
 *
 * @param tenant the number of the tenant column, if the table has one
 */
export function blindKeysOf(catalog: Catalog, relation: Relation, tenant: number | undefined): readonly FoundKey[] {
  if (isSmall(relation, tenant)) return []
  return relation.indexes.flatMap((index) =>
    index.blindKeys
      // Leave out the tenant column: PostgreSQL can use an index for the policy's own comparison.
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
 * Whether the index serves only a constraint. For a unique index on an expression, such as `lower(email)`, the result is false, because
 * queries may ask for this expression. For a unique index on COALESCE(…) the result is true, because queries compare the plain column.
 */
function isConstraint(index: Index, key: BlindKey): boolean {
  return index.primary || index.exclusion || (index.unique && (key.column !== 0 || /^COALESCE\(/.test(key.key)))
}

function isCured(catalog: Catalog, relation: Relation, key: BlindKey): boolean {
  return hasPartialIndexes(relation, key) || hasTwin(relation, key) || hasLooseIndex(catalog, relation, key)
}

/**
 * Whether there is a partial index such as `WHERE state = 'open'`. If a query contains the predicate, PostgreSQL can use this index, and
 * needs no index on the key.
 */
function hasPartialIndexes(relation: Relation, key: BlindKey): boolean {
  const column = relation.columns.find(({ number }) => number === key.column)
  return (
    column !== undefined &&
    relation.indexes.some(
      ({ valid, predicate }) => valid && predicate !== undefined && compares(predicate, column.name),
    )
  )
}

/** Whether a predicate compares the column: `(state = 'open'::state)`. `state IS NOT NULL` is not enough, because it names no value. */
function compares(predicate: string, name: string): boolean {
  return predicate
    .split(' = ')
    .slice(0, -1)
    .some((left) => {
      const side = left.replace(/\)?::[\w ]{1,99}$/, '').replaceAll('"', '')
      return side === name || side.endsWith(`(${name}`) || side.endsWith(` ${name}`)
    })
}

/**
 * Whether there is an index on a stored generated column. The column must be computed only from the key's column, or by the key's
 * expression.
 */
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

/** Whether there is an index such as `(tenant_id, email COLLATE ci)`, whose nondeterministic collation finds what lower(email) finds. */
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
