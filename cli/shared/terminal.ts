// Import the whole module. With a named import, an old Node.js would fail with a SyntaxError before we can report that it is too old.
import util from 'node:util'
import { codeOf, connectionProblem } from '../../src/config/connection-problem.ts'
import { isPartywallError } from '../../src/errors.ts'

type Style = Parameters<typeof util.styleText>[0]

/** Whether to use colours: only on a terminal, and not if NO_COLOR is set. */
export function paint(style: Style, text: string, stream: NodeJS.WriteStream = process.stdout): string {
  const wanted = (process.env['NO_COLOR'] ?? '') === '' // set and empty means nothing: no-color.org
  return stream.isTTY && wanted ? util.styleText(style, text) : text
}

/** An error as text: what happened, why, and what to do. The stack is only printed for unexpected errors. */
export function describeError(error: unknown): string {
  if (isPartywallError(error)) return `partywall: ${error.message}`
  if (!(error instanceof Error)) return `partywall: ${String(error)}`
  const problem = describeDatabaseError(error)
  return problem === undefined ? `partywall: internal error: ${error.stack ?? error.message}` : `partywall: ${problem}`
}

/** The database's error message; undefined for other errors. */
function describeDatabaseError(error: Error): string | undefined {
  const code = codeOf(error)
  switch (code) {
    case '42501':
      return `The role of --database-url lacks a right: ${error.message}. Use the migration role, or grant it what is missing.`
    case '57P01':
    case '57P02':
    case 'ECONNRESET':
    case 'EPIPE':
      return CUT
    default:
      if (code === undefined && /^Connection terminated/.test(error.message)) return CUT
      return connectionProblem(error, '--database-url')
  }
}

const CUT =
  'The connection to the database broke while the command ran. Uncommitted work was rolled back; run the command again.'
