import type { Rule } from '../rule.ts'
import { policyFindings } from './policy-finding.ts'

export const policyRangeCompare: Rule = {
  id: 'policy-range-compare',
  group: 'policy',
  title: 'The comparison is a range',
  severity: 'high',
  meaning: 'An order or inequality lets in every tenant on one side of it.',
  remedy: 'Compare with =, and put parentheses around OR.',
  run: (facts) => policyFindings(facts, 'policy-range-compare', { message: () => 'compares by order or inequality' }),
}
