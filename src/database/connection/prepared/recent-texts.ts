/**
 * Remembers a value for each recently used text, in bounded memory. There is a younger and an older half. When the younger half is full, it
 * becomes the older half, and the texts of the previous older half are forgotten. A text that is used again moves to the younger half.
 * Finding a text never needs a search through the others, so a flood of different texts costs no more than the same number of equal ones.
 */
export class RecentTexts<T> {
  readonly #maxTexts: number
  readonly #maxChars: number
  #young = new Map<string, T>()
  #old = new Map<string, T>()
  #chars = 0

  /** Both limits apply to each half. */
  constructor(maxTexts: number, maxChars: number) {
    this.#maxTexts = maxTexts
    this.#maxChars = maxChars
  }

  /** How many texts are known. */
  get size(): number {
    return this.#young.size + this.#old.size
  }

  get(text: string): T | undefined {
    const young = this.#young.get(text)
    if (young !== undefined) return young
    const old = this.#old.get(text)
    if (old === undefined) return undefined
    this.#old.delete(text)
    this.set(text, old)
    return old
  }

  set(text: string, value: T): void {
    if (this.#young.size >= this.#maxTexts || this.#chars + text.length > this.#maxChars) {
      this.#old = this.#young
      this.#young = new Map()
      this.#chars = 0
    }
    this.#chars += text.length
    this.#young.set(text, value)
  }

  delete(text: string): void {
    this.#young.delete(text)
    this.#old.delete(text)
  }
}
