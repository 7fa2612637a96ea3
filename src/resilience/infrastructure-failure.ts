import { isPartywallError } from '../errors.ts'

/** SQLSTATE classes that are about the server and not about the statement: connection, resources, shutdown, system. */
const INFRASTRUCTURE_SQLSTATE = /^(?:08|53|57P|58|XX)/
const SQLSTATE = /^[0-9A-Z]{5}$/

/**
 * Whether an error is about the dependency, and not about one caller's request.
 *
 * A refusal, an SQL error of one statement, or a bug that one tenant's value triggers is not an outage. It must not open the breaker for
 * all other tenants. An error of unknown kind counts as an outage.
 *
 * @param error anything that a call to a dependency threw
 */
export function isInfrastructureFailure(error: unknown): boolean {
  if (isPartywallError(error)) return error.status >= 503
  if (!(error instanceof Error)) return true
  if ('code' in error && typeof error.code === 'string' && SQLSTATE.test(error.code)) {
    return INFRASTRUCTURE_SQLSTATE.test(error.code)
  }
  // `fetch` reports a broken connection as a TypeError with a cause; a TypeError without a cause is a bug of the caller.
  const isBug = error instanceof TypeError || error instanceof RangeError || error instanceof SyntaxError
  return !isBug || error.cause !== undefined
}
