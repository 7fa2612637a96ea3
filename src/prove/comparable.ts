import type { Facts } from '../tenancy/facts.ts'
import type { Term } from './term.ts'

const TEXTS = /^(text|character varying)$/
const NUMBERS = /^(smallint|integer|bigint|numeric)$/

/**
 * Whether `one = other` implies that both are the same value: both terms are known, neither is lossy, and their types compare
 * exactly.
 */
export function isSameWhenEqual(one: Term, other: Term, facts: Facts): boolean {
  if (one.lossy !== undefined || other.lossy !== undefined) return false
  if ([one, other].some(({ kind }) => kind === 'other' || kind === 'value')) return false
  if (facts.catalog.ownCasts.size > 0 && one.type !== other.type) return false
  const [left, right] = [one.type, other.type]
  // PostgreSQL gives a literal the type of the other side.
  if (one.kind === 'constant' || other.kind === 'constant') return true
  if (left === undefined || right === undefined) return false
  if (left === right)
    return !/^(json|xml|point|circle|box|real|double precision)$/.test(left) || one.kind === other.kind
  return (TEXTS.test(left) && TEXTS.test(right)) || (NUMBERS.test(left) && NUMBERS.test(right))
}
