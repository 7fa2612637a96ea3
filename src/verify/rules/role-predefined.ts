import { quoteIdentifier } from '../../catalog/names.ts'
import type { ChosenSeverity } from '../finding/finding.ts'
import type { Rule } from '../finding/rule.ts'
import { directMembers, showPath } from '../readings/role-paths.ts'

const BECOMES_SUPERUSER: ChosenSeverity = { level: 'critical', because: 'A superuser passes all policies.' }

const GIVES: Readonly<Record<string, { readonly severity?: ChosenSeverity; readonly what: string }>> = {
  pg_read_all_data: { what: 'reads every table, view and sequence to which no policy applies' },
  pg_write_all_data: { what: 'writes every table to which no policy applies' },
  pg_read_server_files: {
    severity: {
      level: 'critical',
      because: 'The files of the server hold the rows of all tenants, and no policy applies to them.',
    },
    what: 'reads the server’s files, including those that hold the tables',
  },
  pg_write_server_files: { severity: BECOMES_SUPERUSER, what: 'writes the server’s files, which makes it a superuser' },
  pg_execute_server_program: {
    severity: BECOMES_SUPERUSER,
    what: 'runs programs on the server, which makes it a superuser',
  },
  pg_maintain: { what: 'locks, clusters and rebuilds every table' },
  pg_signal_backend: {
    severity: { level: 'medium', because: 'It ends work of other sessions, and reaches no row.' },
    what: 'cancels queries and ends sessions of other roles',
  },
}

export const rolePredefined: Rule = {
  id: 'role-predefined',
  group: 'role',
  title: 'The application is a member of a powerful predefined role',
  severity: 'high',
  meaning:
    'A predefined role reaches past the grants: all tables without row-level security, files of the server, or other sessions.',
  remedy: 'Revoke the membership, and grant table by table.',
  *run(facts) {
    const app = facts.tenancy.appRole
    for (const path of facts.becomable) {
      const gives = GIVES[path.role.name]
      if (gives === undefined) continue
      yield {
        object: `role ${app.name}`,
        detail: path.role.name,
        ...(gives.severity === undefined ? {} : { severity: gives.severity }),
        message: `The app's role ${app.name} is a member of ${path.role.name}: it ${gives.what}.`,
        evidence: [showPath(path)],
        fix: directMembers(facts, path.role)
          .map((member) => `REVOKE ${path.role.name} FROM ${quoteIdentifier(member.name)};`)
          .join('\n'),
      }
    }
  },
}
