import { codeOf, connectionProblem } from '../config/connection-problem.ts'
import { ConfigurationError } from '../errors.ts'

/**
 * Throws the error of a failed lookup. If the function of the directory is missing, the error names the fix: `partywall migrate` does not
 * create the function, because it does not know the table of tenants.
 */
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

/**
 * The message of a finding. If no connection could be opened, it names the setting and the fix; for other errors it is the error's own
 * message.
 */
export function sayFinding(error: unknown): string {
  return connectionProblem(error, 'database.url') ?? (error instanceof Error ? error.message : String(error))
}
