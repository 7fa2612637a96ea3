import type { Facts } from '../../tenancy/facts.ts'

/** One way in which a schema could become weaker by a single change. */
export interface Mutant {
  /** The operator: `policy-or-true`. */
  readonly name: string
  /** What is weakened: `public.documents`, `role app`. */
  readonly object: string
  /** SQL that weakens it. It has several statements if a second protection must be removed as well to make a hole. */
  readonly sql: string
}

/** Yields the mutants of one kind that make sense on this schema. */
export type MutantMaker = (facts: Facts) => Iterable<Mutant>
