/**
 * The session parameters whose changes the server reports without being asked (PostgreSQL manual, "Asynchronous Operations"):
 * client_encoding, TimeZone and others. If a tenant's statement changed one of them for the next tenant, that tenant would read and write
 * wrong values.
 */
export class ReportedParameters {
  readonly #own = new Map<string, string>()
  readonly #changed = new Set<string>()
  #watching = false

  /** @param on true: reported changes are a tenant's. False: reported values are the session's own. */
  watch(on: boolean): void {
    this.#watching = on
  }

  /** @returns whether the parameter now differs from the session's own value */
  report(name: string, value: string): boolean {
    if (!this.#watching) {
      this.#own.set(name, value)
      return false
    }
    if (this.#own.get(name) === value) {
      this.#changed.delete(name)
      return false
    }
    this.#changed.add(name)
    return true
  }

  /** The name of a parameter that a statement changed and that was not set back. */
  get changed(): string | undefined {
    const [changed] = this.#changed
    return changed
  }
}
