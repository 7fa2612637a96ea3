import type { Rule } from '../finding/rule.ts'
import { policyFindings } from '../readings/policy-finding.ts'

export const policySettingMismatch: Rule = {
  id: 'policy-setting-mismatch',
  group: 'policy',
  ofProtect: 'always',
  title: 'A policy reads another setting than the application sets',
  severity: 'high',
  meaning: 'The policy shows no rows, or the rows of an old value that somebody left on the connection.',
  remedy: 'Use one setting name everywhere.',
  run: (facts) =>
    policyFindings(facts, 'policy-setting-mismatch', {
      message: () => 'reads another setting than the other policies',
    }),
}
