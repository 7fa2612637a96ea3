/** Remembers which tenants were invalidated since lookups under way began, so that none of them brings back an old answer. */
export class Invalidations {
  readonly #byHash = new Map<string, number>()
  readonly #maximum: number
  #generation = 0
  /** The last generation that concerned everybody. */
  #all = 0

  constructor(maximum = 10_000) {
    this.#maximum = maximum
  }

  /** The mark of a lookup that begins now. */
  get now(): number {
    return this.#generation
  }

  add(hash: string): void {
    this.#generation++
    this.#byHash.set(hash, this.#generation)
    // A flood of made-up names must not fill the memory: forget who it was, and distrust everybody's old answers.
    if (this.#byHash.size > this.#maximum) this.addAll()
  }

  addAll(): void {
    this.#generation++
    this.#all = this.#generation
    this.#byHash.clear()
  }

  /** Whether an answer of a lookup that began at `mark` is too old; `hash` undefined: the answer was "no such tenant". */
  outdated(hash: string | undefined, mark: number): boolean {
    if (this.#all > mark) return true
    if (hash === undefined) return this.#generation > mark
    return (this.#byHash.get(hash) ?? 0) > mark
  }
}
