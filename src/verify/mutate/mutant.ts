import type { Facts } from '../../tenancy/facts.ts'

/** One way in which a schema could become weaker by a single change. */
export interface Mutant {
  /** The operator: `policy-or-true`. */
  readonly name: string
  /** What is weakened: `public.documents`, `role app`. */
  readonly object: string
  /** SQL that weakens it; several statements where what stands behind the clause must go too, so that it is a hole at all. */
  readonly sql: string
}

/** Yields the mutants of one kind that make sense on this schema. */
export type MutantMaker = (facts: Facts) => Iterable<Mutant>
