import type { Rule } from '../finding/rule.ts'
import { crossedBy, otherLogin } from '../readings/role-paths.ts'

export const roleSuperuser: Rule = {
  id: 'role-superuser',
  group: 'role',
  ofProtect: 'always',
  title: 'The application logs in as a superuser',
  severity: 'critical',
  meaning:
    "No policy and no grant applies to a superuser: every tenant reads and writes everything, including the server's files.",
  remedy: 'Give the application a role without SUPERUSER and BYPASSRLS, and grant it what it needs.',
  *run(facts) {
    const role = facts.tenancy.appRole
    if (!role.superuser) return
    yield {
      object: `role ${role.name}`,
      message: `The app's role ${role.name} is a superuser: row-level security never applies to it.`,
      evidence: ['rolsuper'],
      ...crossedBy(facts, role),
      fix: otherLogin(facts),
    }
  },
}
