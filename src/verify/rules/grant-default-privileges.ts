import { quoteIdentifier } from '../../catalog/names.ts'
import type { Rule } from '../finding/rule.ts'
import { granteeList, usableGrantees } from '../readings/grantees.ts'
import { THIS_DATABASE } from '../readings/this-database.ts'

const ROWS = ['SELECT', 'INSERT', 'UPDATE', 'DELETE', 'TRUNCATE'] as const

export const grantDefaultPrivileges: Rule = {
  id: 'grant-default-privileges',
  group: 'grant',
  title: 'Future tables are open to the application',
  severity: 'medium',
  meaning:
    'A table that this role creates can be used by the application before anybody enables row-level security on it.',
  remedy: 'Revoke the default privileges and grant table by table, or enable row-level security in an event trigger.',
  *run(facts) {
    const guarded = facts.catalog.eventTriggers.some(
      (trigger) => trigger.enabled && trigger.event === 'ddl_command_end',
    )
    for (const entry of facts.catalog.defaultPrivileges) {
      if (entry.objectType !== 'tables') continue
      const schema = facts.catalog.schemas.get(entry.schema)
      if (entry.schema !== 0 && (schema === undefined || !facts.tenancy.schemas.has(schema.name))) continue
      const open = ROWS.map((privilege) => ({
        privilege,
        grantees: usableGrantees(facts, entry.grants, privilege, entry.role),
      })).filter(({ grantees }) => grantees.length > 0)
      if (open.length === 0) continue
      const creator = facts.roleName(entry.role)
      const grantees = [...new Set(open.flatMap((item) => item.grantees))]
      const privileges = open.map((item) => item.privilege).join(', ')
      const where = schema === undefined ? '' : ` IN SCHEMA ${quoteIdentifier(schema.name)}`
      yield {
        object: schema === undefined ? THIS_DATABASE : `schema ${schema.name}`,
        detail: creator,
        message: `Each table that ${creator} creates${schema === undefined ? '' : ` in ${schema.name}`} is open to ${granteeList(facts, grantees)} at once, before it has row-level security.`,
        evidence: [`default privileges of ${creator}: ${privileges}`],
        // An event trigger may enable row-level security on new tables. The attack creates a table and checks whether that happens.
        ...(guarded ? { suspected: true } : {}),
        fix: `ALTER DEFAULT PRIVILEGES FOR ROLE ${quoteIdentifier(creator)}${where} REVOKE ALL ON TABLES FROM ${granteeList(facts, grantees)};`,
      }
    }
  },
}
