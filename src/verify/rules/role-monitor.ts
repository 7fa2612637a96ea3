import { quoteIdentifier } from '../../catalog/names.ts'
import type { Rule } from '../finding/rule.ts'
import { directMembers, showPath } from '../readings/role-paths.ts'

export const roleMonitor: Rule = {
  id: 'role-monitor',
  group: 'role',
  title: 'The application reads the queries of all roles',
  severity: 'medium',
  meaning: 'pg_stat_activity and pg_stat_statements then show the query texts of all roles, with the values in them.',
  remedy: 'Revoke pg_monitor and pg_read_all_stats; give monitoring a login of its own.',
  *run(facts) {
    const app = facts.tenancy.appRole
    for (const path of facts.becomable) {
      if (path.role.name !== 'pg_monitor' && path.role.name !== 'pg_read_all_stats') continue
      const members = directMembers(facts, path.role).filter((member) => member.name !== 'pg_monitor')
      // pg_read_all_stats that comes through pg_monitor is already reported for pg_monitor.
      if (members.length === 0) continue
      yield {
        object: `role ${app.name}`,
        detail: path.role.name,
        message: `The app's role ${app.name} is a member of ${path.role.name}: it reads the query texts of every role, with the values in them.`,
        evidence: [showPath(path)],
        fix: members.map((member) => `REVOKE ${path.role.name} FROM ${quoteIdentifier(member.name)};`).join('\n'),
      }
    }
  },
}
