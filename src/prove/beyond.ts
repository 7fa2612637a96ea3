/** Thrown where a predicate is too large or too deep to read. Its clause then counts as one that can't be read. */
export class BeyondProver extends Error {}
