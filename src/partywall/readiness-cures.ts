import { ConfigurationError } from '../errors.ts'

/** The function of the directory is not there: `partywall migrate` can't know which table is that of the tenants. */
export function explainLookup(error: unknown): never {
  const code = codeOf(error)
  if (code !== '42883' && code !== '3F000') throw error
  const cure =
    "Run as the migration role, with your table of tenants: CALL partywall.install_directory('public.tenants', 'id', 'key', 'status', 'tier')\n" +
    '      or give createPartywall({ tenants: { findByClaim } }) a function of your own.'
  throw new ConfigurationError(
    `The tenant directory is not installed: partywall.tenant_by_key is missing.\n      ${cure}`,
  )
}

/** A sentence that names the setting and the cure, where no connection came about; else what the error says itself. */
export function sayFinding(error: unknown): string {
  switch (codeOf(error)) {
    case 'ECONNREFUSED':
    case 'EHOSTUNREACH':
    case 'ETIMEDOUT':
      return 'database.url: the server does not answer there. Is it running, and are host and port right?'
    case 'ENOTFOUND':
    case 'EAI_AGAIN':
      return 'database.url: its host is not known. Is the name right?'
    case '28P01':
    case '28000':
      return 'database.url: the server refuses this user or password.'
    case '3D000':
      return 'database.url: the server has no such database.'
    default:
      return error instanceof Error ? error.message : String(error)
  }
}

function codeOf(error: unknown): unknown {
  // Node.js joins the failures of a name's addresses into one.
  const inner: unknown = error instanceof AggregateError ? error.errors[0] : error
  return inner instanceof Error && 'code' in inner ? inner.code : undefined
}
