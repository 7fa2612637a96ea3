import { codeOf, connectionProblem } from '../config/connection-problem.ts'
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
  return connectionProblem(error, 'database.url') ?? (error instanceof Error ? error.message : String(error))
}
