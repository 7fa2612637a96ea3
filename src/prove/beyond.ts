/** Thrown when a predicate is too large or nested too deep. The prover then treats the clause like a clause that it can't read. */
export class BeyondProver extends Error {}
