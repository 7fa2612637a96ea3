import { ConfigurationError, isPartywallError } from '../errors.ts'

/** Builds several parts, and reports the configuration problems of all parts at once. */
export class ProblemGatherer {
  readonly #problems: string[] = []

  /**
   * @param path the name of the part's options in the configuration
   * @param atTop names of the part's options that are at the top level of the configuration
   */
  build<T>(path: string, make: () => T, atTop: readonly string[] = []): T | undefined {
    try {
      return make()
    } catch (error) {
      if (!isPartywallError(error) || error.code !== 'PARTYWALL_CONFIGURATION') throw error
      const { problems } = error.details
      const list: readonly unknown[] = Array.isArray(problems) ? problems : [error.message]
      for (const problem of list.map(String)) {
        const isOwn =
          path === '' || atTop.some((name) => problem.startsWith(`${name}:`) || problem.startsWith(`${name}.`))
        this.#problems.push(isOwn ? problem : `${path}.${problem}`)
      }
      return undefined
    }
  }

  /** @throws {ConfigurationError} `PARTYWALL_CONFIGURATION` if any part had a problem */
  check(name: string): void {
    if (this.#problems.length === 0) return
    throw new ConfigurationError(`${name} is not valid:\n  ${this.#problems.join('\n  ')}`, {
      details: { problems: this.#problems },
    })
  }
}
