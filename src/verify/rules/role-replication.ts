import { quoteIdentifier } from '../../catalog/names.ts'
import { chosenSeverity } from '../finding/finding.ts'
import type { Rule } from '../finding/rule.ts'
import { directMembers, rolesInReach, showPath } from '../readings/role-paths.ts'

export const roleReplication: Rule = {
  id: 'role-replication',
  group: 'role',
  title: 'The application may replicate',
  severity: 'critical',
  meaning: 'REPLICATION reads the write-ahead log: every change of every tenant, regardless of the policies.',
  remedy: 'Remove REPLICATION from the role, and revoke pg_create_subscription.',
  *run(facts) {
    for (const path of rolesInReach(facts)) {
      const { role } = path
      if (role.superuser) continue
      if (role.replication)
        yield {
          object: `role ${role.name}`,
          message: `${role.name} has REPLICATION: it opens a replication connection and reads every tenant's changes.`,
          evidence: [showPath(path)],
          fix: `ALTER ROLE ${quoteIdentifier(role.name)} NOREPLICATION;`,
        }
      if (role.name === 'pg_create_subscription')
        yield {
          object: `role ${facts.tenancy.appRole.name}`,
          detail: role.name,
          ...chosenSeverity(
            'high',
            'The role opens connections of the server; it does not read the stream of all changes.',
          ),
          message: `The app's role is a member of pg_create_subscription: it makes the server open connections to any address.`,
          evidence: [showPath(path)],
          fix: directMembers(facts, role)
            .map((member) => `REVOKE ${role.name} FROM ${quoteIdentifier(member.name)};`)
            .join('\n'),
        }
    }
  },
}
