import type { Rule } from '../finding/rule.ts'
import { policyFindings } from '../readings/policy-finding.ts'

export const policyRoleIdentity: Rule = {
  id: 'policy-role-identity',
  group: 'policy',
  ofProtect: 'always',
  title: 'A policy compares with the database role',
  severity: 'high',
  meaning: 'All tenants share one database role, so the comparison does not tell them apart.',
  remedy: "Compare the tenant column with the session's tenant.",
  run: (facts) =>
    policyFindings(facts, 'policy-role-identity', {
      message: () => 'compares with the database role that all tenants share',
    }),
}
