import type { Rule } from '../finding/rule.ts'
import { policyFindings } from '../readings/policy-finding.ts'

export const policyCommandGap: Rule = {
  id: 'policy-command-gap',
  group: 'policy',
  ofProtect: 'always',
  title: 'Reads are isolated, writes are not',
  severity: 'critical',
  meaning: 'Tests that only read find nothing wrong, while one tenant changes or deletes the rows of another.',
  remedy: 'Use one policy FOR ALL, or give each command the same test.',
  run: (facts) =>
    policyFindings(facts, 'policy-command-gap', { message: () => 'leaves writes open although reads are isolated' }),
}
