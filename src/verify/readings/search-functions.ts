import type { BlindKey, Relation } from '../../catalog/model.ts'
import { walkBody } from '../../sql/walk.ts'
import type { Facts } from '../../tenancy/facts.ts'
import { mentions } from '../../tenancy/index-cures.ts'
import { callableDefiners, tablesOf } from './definer-code.ts'
import { ownerEscapes } from './definer-owner.ts'

/** A SECURITY DEFINER function that reads the table as an owner to whom no policy applies, and names the column. */
export function hasSearchFunction(facts: Facts, relation: Relation, key: BlindKey): boolean {
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
