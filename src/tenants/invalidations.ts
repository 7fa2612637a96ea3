/** Remembers which tenants were invalidated while lookups were running, so that an outdated answer is not used. */
export class Invalidations {
  readonly #byHash = new Map<string, number>()
  readonly #maximum: number
  #generation = 0
  /** The last generation in which all tenants were invalidated. */
  #all = 0

  constructor(maximum = 10_000) {
    this.#maximum = maximum
  }

  /** Returns the current generation. A lookup that begins now keeps it as its mark, for {@link outdated}. */
  get now(): number {
    return this.#generation
  }

  add(hash: string): void {
    this.#generation++
    this.#byHash.set(hash, this.#generation)
    // Too many hashes would fill the memory: forget them, and treat all running lookups as outdated instead.
    if (this.#byHash.size > this.#maximum) this.addAll()
  }

  addAll(): void {
    this.#generation++
    this.#all = this.#generation
    this.#byHash.clear()
  }

  /** Whether the answer of a lookup that began at `mark` is outdated. Without `hash`, the answer was "no such tenant". */
  outdated(hash: string | undefined, mark: number): boolean {
    if (this.#all > mark) return true
    if (hash === undefined) return this.#generation > mark
    return (this.#byHash.get(hash) ?? 0) > mark
  }
}
