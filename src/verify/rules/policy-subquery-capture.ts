import type { Rule } from '../finding/rule.ts'
import { policyFindings } from '../readings/policy-finding.ts'

export const policySubqueryCapture: Rule = {
  id: 'policy-subquery-capture',
  group: 'policy',
  ofProtect: 'always',
  title: 'A name in a sub-select binds to the inner table',
  severity: 'critical',
  meaning: 'The condition compares a column with itself and is always true.',
  remedy: 'Qualify every column in the sub-select with its table.',
  run: (facts) =>
    policyFindings(facts, 'policy-subquery-capture', {
      message: () => 'compares a column of the subquery with itself',
    }),
}
