import type { Rule } from '../rule.ts'
import { policyFindings } from './policy-finding.ts'

export const policyPermissiveOr: Rule = {
  id: 'policy-permissive-or',
  group: 'policy',
  title: 'A wide policy stands beside a narrow one',
  severity: 'critical',
  meaning: 'Permissive policies are OR-ed: the widest one decides, however good the others are.',
  remedy: 'Make the narrow policy cover every command, or write it AS RESTRICTIVE, or drop the wide one.',
  run: (facts) =>
    policyFindings(facts, 'policy-permissive-or', {
      message: () => 'is wide, and permissive policies are OR-ed with it',
    }),
}
