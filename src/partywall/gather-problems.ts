import { ConfigurationError, isPartywallError } from '../errors.ts'

/** Builds the parts of a whole and tells all problems of all parts at once. */
export class ProblemGatherer {
  readonly #problems: string[] = []

  /** @param path what the part's options are called in the whole */
  build<T>(path: string, make: () => T): T | undefined {
    try {
      return make()
    } catch (error) {
      if (!isPartywallError(error) || error.code !== 'PARTYWALL_CONFIGURATION') throw error
      const { problems } = error.details
      const list: readonly unknown[] = Array.isArray(problems) ? problems : [error.message]
      for (const problem of list) this.#problems.push(path === '' ? String(problem) : `${path}.${String(problem)}`)
      return undefined
    }
  }

  /** @throws {ConfigurationError} `PARTYWALL_CONFIGURATION` where any part had a problem */
  check(name: string): void {
    if (this.#problems.length === 0) return
    throw new ConfigurationError(`${name} is not valid:\n  ${this.#problems.join('\n  ')}`, {
      details: { problems: this.#problems },
    })
  }
}
