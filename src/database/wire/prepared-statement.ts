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
 * Removes the name that the application gave a statement. Behind a transaction pooler, the next statement may use another server connection,
 * on which nothing was prepared under this name. For a tenant with a schema of its own, the name may stand for another schema's statement:
 * PostgreSQL then refuses it for good if a type differs.
 *
 * @returns the error if the statement has only a name and no text
 */
export function withoutName(query: { name?: string | undefined; readonly text?: unknown }): Error | undefined {
  if (typeof query.text !== 'string') {
    return new StatementRefusedError(
      'A statement was asked for by its name alone. That does not work behind a transaction pooler, or for a tenant with a schema of its own. Give its text with each call.',
    )
  }
  query.name = undefined
  return undefined
}
