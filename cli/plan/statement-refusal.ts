import pg from 'pg'
import { ConfigurationError } from '../../src/errors.ts'

/** The class of errors with which the server ends a connection, such as a shutdown. They do not speak about the statement. */
const SERVER_ENDS = '57P'

/**
 * An error that PostgreSQL reports for the statement of the user, as a message about this statement. Other errors are returned unchanged.
 *
 * @param before the text that the command put in front of the statement
 * @param role the role that the statement ran as
 * @param otherLevels levels that the application may use too, and that nobody chose
 */
export function statementRefusal(
  error: unknown,
  {
    before,
    role,
    otherLevels,
  }: { readonly before: string; readonly role: string; readonly otherLevels: readonly string[] },
): unknown {
  if (!(error instanceof pg.DatabaseError) || error.code?.startsWith(SERVER_ENDS) === true) return error
  const position = Number(error.position) - before.length
  const place = position > 0 ? `, at character ${position} of the statement` : ''
  const said = [`${error.message}${place}.`, error.detail, error.hint].filter((part) => part !== undefined).join(' ')
  return new ConfigurationError(`PostgreSQL refuses the statement: ${said}${rightOf(error, role, otherLevels)}`, {
    cause: error,
  })
}

/** The statement runs as the role of the application, so a right that is missing is missing there, and not at the role of --database-url. */
function rightOf({ code }: pg.DatabaseError, role: string, otherLevels: readonly string[]): string {
  if (code !== '42501') return ''
  const levels = otherLevels.map(
    (level) => ` If the application runs the statement as ${level}, give --level ${level}.`,
  )
  return ` The statement runs as ${role}, so ${role}, or the owner of a view that the statement reads, lacks the right.${levels.join('')}`
}
