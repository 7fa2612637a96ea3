import type { BlindKey, Index, Relation } from '../../catalog/model.ts'
import { walkBody } from '../../sql/walk.ts'
import type { Facts } from '../../tenancy/facts.ts'
import { mentions } from '../../tenancy/index-cures.ts'
import { callableDefiners, tablesOf } from './definer-code.ts'
import { ownerEscapes } from './definer-owner.ts'

/** Whether the schema has another way to find rows by a blind key (docs/glossary.md). */
export function isCured(facts: Facts, relation: Relation, index: Index, key: BlindKey): boolean {
  return (
    hasPartialIndexes(relation, key) ||
    hasTwin(relation, key) ||
    hasLooseIndex(facts, relation, key) ||
    (index.method !== 'btree' && hasSearchFunction(facts, relation, key))
  )
}

/** `WHERE state = 'open'` on a plain column: the planner proves the predicate and needs no condition. */
function hasPartialIndexes(relation: Relation, key: BlindKey): boolean {
  const column = relation.columns.find(({ number }) => number === key.column)
  return (
    column !== undefined &&
    relation.indexes.some(
      ({ valid, predicate }) => valid && predicate !== undefined && mentions(predicate, column.name),
    )
  )
}

/** An index on a stored column that is computed from the column, or by the same expression. */
function hasTwin(relation: Relation, key: BlindKey): boolean {
  const column = relation.columns.find(({ number }) => number === key.column)
  return relation.columns.some(({ number, generated, default: computed }) => {
    if (generated !== 'stored' || computed === undefined) return false
    const same = column === undefined ? bare(computed) === bare(key.key) : mentions(computed, column.name)
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
function hasLooseIndex({ catalog }: Facts, relation: Relation, key: BlindKey): boolean {
  if (!/^(?:lower|upper)\(/.test(key.key) && key.type !== 'citext') return false
  return relation.indexes.some(
    ({ valid, definition }) =>
      valid && [...catalog.looseCollations].some((name) => definition.replaceAll('"', '').includes(`COLLATE ${name}`)),
  )
}

/** A SECURITY DEFINER function that reads the table as an owner to whom no policy applies, and names the column. */
function hasSearchFunction(facts: Facts, relation: Relation, key: BlindKey): boolean {
  const names = relation.columns.filter(({ name, number }) =>
    key.column === 0 ? mentions(key.key, name) : number === key.column,
  )
  for (const fn of callableDefiners(facts)) {
    if (!ownerEscapes(facts, fn, relation)) continue
    const text = fn.source === '' ? (fn.atomicBody ?? '') : fn.source
    if (!names.some(({ name }) => mentions(text, name))) continue
    let reads = false
    walkBody(facts.sql.body(fn), {
      query: (query) => {
        reads ||= tablesOf(facts, query).has(relation)
      },
    })
    if (reads) return true
  }
  return false
}

function bare(expression: string): string {
  return expression.replaceAll(/[()\s]/g, '')
}
