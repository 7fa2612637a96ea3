import type { Facts } from '../../tenancy/facts.ts'

/** One way in which a schema could become weaker by a single change. */
export interface Mutant {
  /** The operator: `policy-or-true`. */
  readonly name: string
  /** The object that is weakened: `public.documents`, `role app`. */
  readonly object: string
  /** SQL that weakens the object. It has several statements if a hole needs the removal of a second protection. */
  readonly sql: string
}

/** Yields the mutants of one kind that make sense on this schema. */
export type MutantMaker = (facts: Facts) => Iterable<Mutant>
