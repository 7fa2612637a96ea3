import type { Rule } from '../finding/rule.ts'
import { policyFindings } from '../readings/policy-finding.ts'

export const policyBypassFlag: Rule = {
  id: 'policy-bypass-flag',
  group: 'policy',
  ofProtect: 'always',
  title: 'A setting switches the policy off',
  severity: 'high',
  meaning: 'Anyone who can run SQL can set a setting, so one injected statement opens every row.',
  remedy: 'Use a role of its own for work across tenants, never a setting.',
  run: (facts) => policyFindings(facts, 'policy-bypass-flag', { message: () => 'can be switched off by a setting' }),
}
