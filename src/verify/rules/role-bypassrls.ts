import type { Rule } from '../finding/rule.ts'
import { crossedBy, otherLogin } from '../readings/role-paths.ts'

export const roleBypassrls: Rule = {
  id: 'role-bypassrls',
  group: 'role',
  ofProtect: 'always',
  title: "The application's role bypasses row-level security",
  severity: 'critical',
  meaning: 'With BYPASSRLS, every table that the role has a grant on shows the rows of all tenants.',
  remedy: 'Give the application a role of its own without BYPASSRLS.',
  *run(facts) {
    const role = facts.tenancy.appRole
    if (!role.bypassRls || role.superuser) return
    yield {
      object: `role ${role.name}`,
      message: `The app's role ${role.name} has BYPASSRLS: no policy applies to it.`,
      evidence: ['rolbypassrls'],
      ...crossedBy(facts, role),
      fix: otherLogin(facts),
    }
  },
}
