import type { Rule } from '../rule.ts'
import { policyFindings } from './policy-finding.ts'

export const policyUserClaim: Rule = {
  id: 'policy-user-claim',
  group: 'policy',
  title: 'The tenant comes from data that the user can edit',
  severity: 'high',
  meaning: 'Users write the id of another tenant into their own profile and are let in.',
  remedy: 'Use a claim that only the identity provider can set, such as app_metadata.',
  run: (facts) =>
    policyFindings(facts, 'policy-user-claim', { message: () => 'trusts a claim that the user can edit' }),
}
