/**
 * Returns a sentence about an error while connecting to a database: unreachable, unknown host, wrong password, no such database. The
 * sentence never contains the URL, because the URL contains the password.
 *
 * @param setting the setting that the user has to check, such as `database.url` or `--database-url`
 * @returns undefined for any other error
 * @see PostgreSQL manual, "PostgreSQL Error Codes" (class 28, 3D); Node.js, "Common system errors"
 */
export function connectionProblem(error: unknown, setting: string): string | undefined {
  switch (codeOf(error)) {
    case 'ECONNREFUSED':
    case 'EHOSTUNREACH':
    case 'ETIMEDOUT':
      return `${setting}: the database server does not answer there. Is it running, and are host and port right?`
    case 'ENOTFOUND':
    case 'EAI_AGAIN':
      return `${setting}: its host is not known. Is the name right?`
    case '28P01':
      return `${setting}: the server refuses this user or password.`
    case '28000':
      // For example a missing line in pg_hba.conf. Only the server's message says what to do.
      return `${setting}: the server refuses the login: ${messageOf(error)}.`
    case '3D000':
      return `${setting}: the server has no such database.`
    case '08P01':
      // PgBouncer refuses start-up options that it does not know. PostgreSQL has the same code for other violations of the protocol.
      if (!messageOf(error).startsWith('unsupported startup parameter')) return undefined
      return `${setting}: a connection pooler answers there and refuses start-up options. If it pools transactions, set database.pooler: 'transaction'. Otherwise connect to PostgreSQL itself.`
    default:
      return undefined
  }
}

/** Returns the code of a system error, or the SQLSTATE of an error of PostgreSQL. */
export function codeOf(error: unknown): unknown {
  const inner = innerOf(error)
  return inner instanceof Error && 'code' in inner ? inner.code : undefined
}

function messageOf(error: unknown): string {
  const inner = innerOf(error)
  return inner instanceof Error ? inner.message : String(inner)
}

/** If a host name has several IP addresses and none answers, Node.js throws one AggregateError. Returns its first error. */
function innerOf(error: unknown): unknown {
  return error instanceof AggregateError ? error.errors[0] : error
}
