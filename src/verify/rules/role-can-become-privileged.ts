import { quoteIdentifier } from '../../catalog/names.ts'
import type { Rule } from '../finding/rule.ts'
import { crossedBy, directMembers, ownedTables, showPath, someOf } from '../readings/role-paths.ts'

export const roleCanBecomePrivileged: Rule = {
  id: 'role-can-become-privileged',
  group: 'role',
  title: 'The application can become a role that bypasses the policies',
  severity: 'critical',
  meaning: 'An injected SET ROLE leads to a superuser, a role with BYPASSRLS or the owner of tenant tables.',
  remedy: 'Revoke the membership; NOINHERIT, INHERIT FALSE and ADMIN OPTION alone do not help.',
  *run(facts) {
    const app = facts.tenancy.appRole
    for (const path of facts.becomable) {
      const { role } = path
      const owned = ownedTables(facts, role.oid)
      const why = role.superuser
        ? 'is a superuser'
        : role.bypassRls
          ? 'has BYPASSRLS'
          : owned.length > 0
            ? `owns ${someOf(owned)}`
            : undefined
      if (why === undefined) continue
      const members = directMembers(facts, role)
      yield {
        object: `role ${app.name}`,
        detail: role.name,
        message: `The app's role ${app.name} can become ${role.name}, which ${why}: SET ROLE is enough to read and write all tenants' rows.`,
        evidence: [showPath(path)],
        ...(role.superuser || role.bypassRls
          ? crossedBy(facts, role)
          : { tables: owned, verbs: ['select', 'insert', 'update', 'delete'] as const }),
        fix:
          members.length === 0
            ? `-- ${role.name} comes with the ownership of the database: ALTER DATABASE … OWNER TO another role.`
            : members
                .map((member) => `REVOKE ${quoteIdentifier(role.name)} FROM ${quoteIdentifier(member.name)};`)
                .join('\n'),
      }
    }
  },
}
