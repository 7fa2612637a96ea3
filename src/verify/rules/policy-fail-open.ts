import type { Rule } from '../finding/rule.ts'
import { policyFindings } from '../readings/policy-finding.ts'

export const policyFailOpen: Rule = {
  id: 'policy-fail-open',
  group: 'policy',
  ofProtect: 'always',
  title: 'A policy opens when the tenant is missing',
  severity: 'critical',
  meaning: 'A forgotten, empty or special setting shows the rows of all tenants.',
  remedy: 'Compare the tenant column with the setting and nothing else: NULL and the empty string then match no row.',
  run: (facts) =>
    policyFindings(facts, 'policy-fail-open', {
      message: () => 'opens when the setting is missing or has a special value',
    }),
}
