import { StatementRefusedError } from '../../errors.ts'
import { isServerError } from './pg-internals.ts'

/**
 * Whether the error means that a prepared statement is gone, or that types of its columns changed. PostgreSQL refuses such a statement
 * before it runs. It would do so every time, because pg does not prepare a statement again that it considers prepared.
 */
export function isStalePlan(error: unknown): boolean {
  if (!(error instanceof Error) || !isServerError(error)) return false
  if (isGone(error)) return true
  return error.code === '0A000' && 'routine' in error && error.routine === 'RevalidateCachedQuery'
}

/** Whether the prepared statement does not exist any more. */
export function isGone(error: Error): boolean {
  return isServerError(error) && error.code === '26000'
}

/**
 * Whether the server refused the plan at Bind, before the statement ran. If instead a function that the statement calls had a stale plan,
 * the error has a field `where` that names the function.
 */
export function beforeItRan(error: Error): boolean {
  return Reflect.get(error, 'where') === undefined
}

/**
 * Removes the name that the application gave a statement. Behind a transaction pooler, the next statement may use another server
 * connection, on which nothing was prepared under this name. For a tenant with a schema of its own, the name may stand for another schema's
 * statement: PostgreSQL then refuses the statement every time if a type differs.
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
