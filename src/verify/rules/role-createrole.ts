import { quoteIdentifier } from '../../catalog/names.ts'
import type { Rule } from '../finding/rule.ts'
import { rolesInReach, showPath } from '../readings/role-paths.ts'

export const roleCreaterole: Rule = {
  id: 'role-createrole',
  group: 'role',
  title: 'The application may create and grant roles',
  severity: 'high',
  meaning:
    'Before PostgreSQL 16 it grants itself any role that is no superuser, even owners of tables; since then any role that it administers.',
  remedy: 'Remove CREATEROLE from the role.',
  *run(facts) {
    const before16 = facts.catalog.serverVersion < 160000
    for (const path of rolesInReach(facts)) {
      const { role } = path
      if (!role.createRole || role.superuser) continue
      yield {
        object: `role ${role.name}`,
        message: before16
          ? `${role.name} has CREATEROLE: it grants itself any role that is no superuser, owners of tenant tables and pg_read_server_files too.`
          : `${role.name} has CREATEROLE: it creates roles, and grants itself every role that it administers.`,
        evidence: [showPath(path)],
        fix: `ALTER ROLE ${quoteIdentifier(role.name)} NOCREATEROLE;`,
      }
    }
  },
}
