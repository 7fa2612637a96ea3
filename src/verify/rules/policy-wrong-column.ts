import type { Rule } from '../rule.ts'
import { policyFindings } from './policy-finding.ts'

export const policyWrongColumn: Rule = {
  id: 'policy-wrong-column',
  group: 'policy',
  title: 'The tenant is compared with the wrong column',
  severity: 'critical',
  meaning: 'Rows are chosen by a column that says nothing about their tenant.',
  remedy: 'Compare the tenant column.',
  run: (facts) =>
    policyFindings(facts, 'policy-wrong-column', {
      message: () => 'compares the tenant with a column that is not the tenant column',
    }),
}
