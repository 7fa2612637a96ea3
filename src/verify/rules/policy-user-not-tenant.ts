import type { Rule } from '../finding/rule.ts'
import { policyFindings } from '../readings/policy-finding.ts'

export const policyUserNotTenant: Rule = {
  id: 'policy-user-not-tenant',
  group: 'policy',
  ofProtect: 'always',
  title: 'The policy tests the user, not the tenant',
  severity: 'high',
  meaning: 'A user of two tenants sees both mixed, and the setting of the user is the only barrier.',
  remedy: 'Add the test of the tenant column.',
  run: (facts) =>
    policyFindings(facts, 'policy-user-not-tenant', {
      message: () => 'tests the user and not the tenant',
      unconfirmed: 'low',
    }),
}
