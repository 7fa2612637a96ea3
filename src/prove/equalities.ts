/** Classes of values known to be equal (union-find over keys). */
export class Equalities {
  readonly #parent = new Map<string, string>()

  find(key: string): string {
    const parent = this.#parent.get(key)
    if (parent === undefined || parent === key) return key
    const root = this.find(parent)
    this.#parent.set(key, root)
    return root
  }

  /** Joins the classes of two values. Returns true if the values were in different classes before. */
  union(one: string, other: string): boolean {
    const [left, right] = [this.find(one), this.find(other)]
    if (left === right) return false
    this.#parent.set(left, right)
    return true
  }

  same(one: string, other: string): boolean {
    return this.find(one) === this.find(other)
  }
}
