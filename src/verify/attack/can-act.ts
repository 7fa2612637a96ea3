import { quoteIdentifier } from '../../catalog/names.ts'
import { ConfigurationError } from '../../errors.ts'
import type { Facts } from '../../tenancy/facts.ts'

/**
 * Checks that the planting role may SET ROLE to each role that the attacks act as. A superuser always may.
 *
 * @throws {ConfigurationError} `PARTYWALL_CONFIGURATION` with the GRANT that is missing
 */
export function requireCanAct(facts: Facts): void {
  const { reader, roles } = facts.catalog
  if (reader.superuser) return
  const self = [...roles.values()].find((role) => role.name === reader.name)
  if (self === undefined) return
  const settable = new Set(facts.graph.settable(self.oid).map((path) => path.role.oid))
  const missing = facts.acting.filter(({ role }) => role.oid !== self.oid && !settable.has(role.oid))
  if (missing.length === 0) return
  const grants = missing.map(({ role }) => `GRANT ${quoteIdentifier(role.name)} TO ${quoteIdentifier(reader.name)};`)
  throw new ConfigurationError(
    `${reader.name} can't act as ${missing.map(({ role }) => role.name).join(', ')}, so nothing can be attacked. Run: ${grants.join(' ')} Or use --static.`,
    { details: { grants } },
  )
}
