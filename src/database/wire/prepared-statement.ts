import { StatementRefusedError } from '../../errors.ts'
import { isServerError } from './pg-internals.ts'

/** Texts and roles. Each connection keeps the plans of what it has prepared: some tens of kilobytes apiece on the server. */
const MAX_NAMES = 200

const names = new Map<string, string>()

/**
 * The name under which this process prepares a text for a database role: the same on every connection, and shared by no other text or
 * role. PostgreSQL plans a statement with row-level security anew whenever the role changes, so that one name for two roles
 * would be planned at each change.
 *
 * @returns undefined where there are too many already: the statement then goes out without a name, parsed and planned anew each time
 */
export function preparedName(text: string, role: string): string | undefined {
  const key = `${role} ${text}`
  const known = names.get(key)
  if (known !== undefined || names.size >= MAX_NAMES) return known
  const made = `partywall_s${names.size + 1}`
  names.set(key, made)
  return made
}

/**
 * Whether the error means that a prepared statement is gone, or that types of its columns changed. PostgreSQL refuses it before it runs,
 * and would refuse it every time: pg does not prepare a statement again that it considers prepared.
 */
export function isStalePlan(error: unknown): boolean {
  if (!(error instanceof Error) || !isServerError(error)) return false
  if (error.code === '26000') return true
  return error.code === '0A000' && 'routine' in error && error.routine === 'RevalidateCachedQuery'
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
