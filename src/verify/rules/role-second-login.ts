import type { Role } from '../../catalog/model.ts'
import { quoteIdentifier } from '../../catalog/names.ts'
import type { Facts } from '../../tenancy/facts.ts'
import type { Rule } from '../finding/rule.ts'

/** OID of the superuser that initdb creates on every server. */
const BOOTSTRAP = 10

export const roleSecondLogin: Rule = {
  id: 'role-second-login',
  group: 'role',
  title: 'A second login of the application bypasses row-level security',
  severity: 'medium',
  meaning:
    'Jobs, reports or webhooks that log in as a superuser or with BYPASSRLS read and write the rows of all tenants.',
  remedy: 'Let the job set the tenant that it works for, and give it a login without SUPERUSER and BYPASSRLS.',
  *run(facts) {
    for (const role of facts.catalog.roles.values()) {
      if (!role.login || !(role.superuser || role.bypassRls) || !isApplications(facts, role)) continue
      const why = role.superuser ? 'a superuser' : 'BYPASSRLS'
      const attributes = [...(role.superuser ? ['NOSUPERUSER'] : []), ...(role.bypassRls ? ['NOBYPASSRLS'] : [])]
      yield {
        object: `role ${role.name}`,
        message: `${role.name} has grants on tenant tables, logs in, and is ${why === 'BYPASSRLS' ? 'exempt from every policy (BYPASSRLS)' : why}: code that runs as this role sees the rows of all tenants.`,
        evidence: [`beside ${facts.tenancy.appRole.name}, the role that was verified`],
        fix: `-- Its jobs may need it. If each works for one tenant at a time and opens that tenant's context:\n--   ALTER ROLE ${quoteIdentifier(role.name)} ${attributes.join(' ')};`,
      }
    }
  },
}

/**
 * Whether the role looks like a login of the application. It has grants on tenant tables that it does not own, and is neither the verified
 * role, nor the role that runs verify, nor a role of partywall.
 */
function isApplications(facts: Facts, role: Role): boolean {
  const { appRole, tables } = facts.tenancy
  if (role.oid === BOOTSTRAP || role.oid === appRole.oid || role.name === facts.catalog.reader.name) return false
  if (role.name.startsWith('partywall_') || facts.acting.some((acting) => acting.role.oid === role.oid)) return false
  return [...tables.values()].some(
    ({ relation }) =>
      relation.owner !== role.oid &&
      [...relation.grants, ...relation.columns.flatMap((column) => column.grants)].some(
        (grant) => grant.grantee === role.oid,
      ),
  )
}
