import type { Rule } from '../finding/rule.ts'
import { policyFindings } from '../readings/policy-finding.ts'

export const policyLossyCompare: Rule = {
  id: 'policy-lossy-compare',
  group: 'policy',
  ofProtect: 'always',
  title: 'The comparison is true for more than one tenant',
  severity: 'high',
  meaning: 'LIKE, functions, casts and lists make the ids of different tenants match.',
  remedy: 'Compare the tenant column itself with =, and cast the setting to the type of the column.',
  run: (facts) =>
    policyFindings(facts, 'policy-lossy-compare', {
      message: () => 'compares in a way that different tenants match',
      unconfirmed: 'low',
    }),
}
