import { afterAll } from 'vitest'

type End = () => unknown

const ends: End[] = []
let isSetUp = false

/**
 * Ends something when the file's tests are over: the last begun first, and all of them, also when one fails.
 *
 * Callable everywhere. vitest ignores an `afterAll` that is called inside `beforeAll` or a test: databases, walls with their timers, and
 * roles would stay until the server of all tests ends.
 *
 * @throws {Error} if the run's configuration lacks the set-up file
 */
export function afterFile(end: End): void {
  if (!isSetUp) throw new Error('setupFiles of this vitest configuration must contain tests/setup/end-of-file.ts')
  ends.push(end)
}

/** Called by tests/setup/end-of-file.ts once for each file. */
export function endFileLater(): void {
  isSetUp = true
  afterAll(async () => {
    const failures: unknown[] = []
    for (const end of ends.splice(0).reverse()) {
      try {
        await end()
      } catch (error) {
        failures.push(error)
      }
    }
    if (failures.length > 0)
      throw failures.length === 1 ? failures[0] : new AggregateError(failures, 'the file could not be ended')
  })
}
