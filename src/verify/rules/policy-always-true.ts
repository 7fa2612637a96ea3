import type { Rule } from '../finding/rule.ts'
import { policyFindings } from '../readings/policy-finding.ts'

export const policyAlwaysTrue: Rule = {
  id: 'policy-always-true',
  group: 'policy',
  ofProtect: 'always',
  title: 'A policy is true for every row',
  severity: 'critical',
  meaning: 'Every tenant reads or writes the rows of all tenants, as if row-level security were off.',
  remedy: "Compare the tenant column with the session's tenant in USING and WITH CHECK.",
  run: (facts) => policyFindings(facts, 'policy-always-true', { message: () => 'names no tenant' }),
}
