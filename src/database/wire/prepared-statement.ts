import { StatementRefusedError } from '../../errors.ts'
import { isServerError } from './pg-internals.ts'

/**
 * Whether the error means that a prepared statement is gone, or that types of its columns changed. PostgreSQL refuses it before it runs,
 * and would refuse it every time: pg does not prepare a statement again that it considers prepared.
 */
export function isStalePlan(error: unknown): boolean {
  if (!(error instanceof Error) || !isServerError(error)) return false
  if (isGone(error)) return true
  return error.code === '0A000' && 'routine' in error && error.routine === 'RevalidateCachedQuery'
}

/** The prepared statement is not there any more. */
export function isGone(error: Error): boolean {
  return isServerError(error) && error.code === '26000'
}

/**
 * Whether the server found this out at Bind, before the statement ran. If a function that the statement calls had a stale plan of its own,
 * the error has a field `where` that names the function.
 */
export function beforeItRan(error: Error): boolean {
  return Reflect.get(error, 'where') === undefined
}

/**
 * Removes the name of a statement for a transaction pooler: the next statement may use another server connection, on which nothing was
 * prepared under this name.
 *
 * @returns the error if the statement has only a name and no text
 */
export function withoutName(query: { name?: string | undefined; readonly text?: unknown }): Error | undefined {
  if (typeof query.text !== 'string') {
    return new StatementRefusedError(
      "A statement was asked for by its name alone, which a transaction pooler can't find again. Give its text with each call.",
    )
  }
  query.name = undefined
  return undefined
}
