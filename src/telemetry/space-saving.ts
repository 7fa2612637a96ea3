/**
 * Counts names and keeps the K most frequent names. The memory is bounded, however many names are added.
 *
 * A count is never too low. It is too high by at most the total divided by K.
 *
 * @see Metwally, Agrawal, El Abbadi: Efficient Computation of Frequent and Top-k Elements (2005)
 */
export class SpaceSaving {
  readonly #capacity: number
  readonly #counts = new Map<string, number>()
  #total = 0

  constructor(capacity: number) {
    this.#capacity = capacity
  }

  get total(): number {
    return this.#total
  }

  add(name: string): void {
    this.#total++
    const known = this.#counts.get(name)
    if (known !== undefined) {
      this.#counts.set(name, known + 1)
      return
    }
    if (this.#counts.size < this.#capacity) {
      this.#counts.set(name, 1)
      return
    }
    let least: string | undefined
    let smallest = Number.POSITIVE_INFINITY
    for (const [each, count] of this.#counts) {
      if (count < smallest) {
        smallest = count
        least = each
      }
    }
    if (least === undefined) return
    this.#counts.delete(least)
    this.#counts.set(name, smallest + 1)
  }

  /** Names with their counts, most frequent first. */
  top(): readonly (readonly [string, number])[] {
    return [...this.#counts].sort((a, b) => b[1] - a[1])
  }
}
