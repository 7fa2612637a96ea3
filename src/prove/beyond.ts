/** What is too large or too deep to be looked at: nothing is said of it. */
export class BeyondProver extends Error {}
