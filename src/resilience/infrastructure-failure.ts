import { isPartywallError } from '../errors.ts'

/** SQLSTATE classes that speak of the server and not of the statement: connection, resources, shutdown, system. */
const INFRASTRUCTURE_SQLSTATE = /^(?:08|53|57P|58|XX)/
const SQLSTATE = /^[0-9A-Z]{5}$/

/**
 * Tells whether an error says something about the dependency, and not about one caller's question.
 *
 * An answer is not an outage: a refusal, an SQL error of one statement or a bug that one tenant's value sets off must
 * not open the breaker for all others. What can't be told apart counts as an outage.
 *
 * @param error anything that a call to a dependency threw
 */
export function isInfrastructureFailure(error: unknown): boolean {
  if (isPartywallError(error)) return error.status >= 503
  if (!(error instanceof Error)) return true
  if ('code' in error && typeof error.code === 'string' && SQLSTATE.test(error.code)) {
    return INFRASTRUCTURE_SQLSTATE.test(error.code)
  }
  // `fetch` reports a broken connection as a TypeError with a cause; one without a cause is a bug of the caller.
  const isBug = error instanceof TypeError || error instanceof RangeError || error instanceof SyntaxError
  return !isBug || error.cause !== undefined
}
