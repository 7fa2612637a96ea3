import type { Role } from '../../catalog/model.ts'
import { quoteIdentifier } from '../../catalog/names.ts'
import { ConfigurationError } from '../../errors.ts'
import type { Facts } from '../../tenancy/facts.ts'

/**
 * Checks that the planting role may SET ROLE to each role that the attacks act as. A superuser always may. The error names as few GRANTs as
 * possible, because each membership changes which policies apply to the owner of the tables.
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
  // A member of a login role may also become each role that the login role may become, so these roles need no GRANT of their own. Each
  // further membership would make the policies of that role apply to the owner.
  const reachedBy = (role: Role, other: Role) =>
    facts.graph.settable(other.oid).some((path) => path.role.oid === role.oid)
  const needed = missing.filter(
    ({ role }) => !missing.some(({ role: other }) => other !== role && reachedBy(role, other)),
  )
  // Without INHERIT, statements of the owner keep the owner's rights and policies. PostgreSQL 15 does not have this option.
  const option = facts.catalog.serverVersion >= 160_000 ? ' WITH INHERIT FALSE' : ''
  const grants = needed.map(
    ({ role }) => `GRANT ${quoteIdentifier(role.name)} TO ${quoteIdentifier(reader.name)}${option};`,
  )
  throw new ConfigurationError(
    `${reader.name} can't act as ${missing.map(({ role }) => role.name).join(', ')}, so nothing can be attacked. Run: ${grants.join(' ')} Or use --static.`,
    { details: { grants } },
  )
}
