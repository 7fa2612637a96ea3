import type { Rule } from '../rule.ts'
import { policyFindings } from './policy-finding.ts'

export const policyCheckLax: Rule = {
  id: 'policy-check-lax',
  group: 'policy',
  title: 'WITH CHECK is wider than USING',
  severity: 'critical',
  meaning: 'Rows are planted in another tenant, or moved there.',
  remedy: 'Use the same expression in WITH CHECK as in USING.',
  run: (facts) => policyFindings(facts, 'policy-check-lax', { message: () => 'does not check the tenant of new rows' }),
}
