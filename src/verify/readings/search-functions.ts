import type { BlindKey, Relation } from '../../catalog/model.ts'
import type { Query } from '../../sql/tree.ts'
import { walkBody, walkExpression } from '../../sql/walk.ts'
import type { Facts } from '../../tenancy/facts.ts'
import { mentions } from '../../tenancy/index-cures.ts'
import { conditionsOf, inputsOf } from './caller-patterns.ts'
import { callableDefiners, tablesOf } from './definer-code.ts'
import { ownerEscapes } from './definer-owner.ts'
import { dynamicQueries } from './dynamic-queries.ts'

/**
 * Whether a SECURITY DEFINER function searches the column for its caller: it has an argument, reads the table as an owner to whom no policy
 * applies, and compares the column. A function that only returns the column is no search.
 */
export function hasSearchFunction(facts: Facts, relation: Relation, key: BlindKey): boolean {
  const names = relation.columns.flatMap(({ name, number }) =>
    (key.column === 0 ? mentions(key.key, name) : number === key.column) ? [name] : [],
  )
  for (const fn of callableDefiners(facts)) {
    if (inputsOf(fn).length === 0 || !ownerEscapes(facts, fn, relation)) continue
    let searches = false
    const look = (query: Query) => {
      searches ||= tablesOf(facts, query).has(relation) && comparesOne(query, names)
    }
    walkBody(facts.sql.body(fn), { query: look })
    for (const { queries } of dynamicQueries(facts, fn)) for (const query of queries ?? []) look(query)
    if (searches) return true
  }
  return false
}

function comparesOne(query: Query, names: readonly string[]): boolean {
  let found = false
  for (const condition of conditionsOf(query))
    walkExpression(condition, {
      expression: (expr) => {
        if (expr.kind === 'column') found ||= names.includes(expr.name)
      },
    })
  return found
}
