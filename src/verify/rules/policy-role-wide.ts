import type { Rule } from '../finding/rule.ts'
import { policyFindings } from '../readings/policy-finding.ts'

export const policyRoleWide: Rule = {
  id: 'policy-role-wide',
  group: 'policy',
  ofProtect: 'always',
  title: 'A role that the application can become has a wide policy',
  severity: 'high',
  meaning:
    'The application has that role by inheritance, or an attacker switches to it with SET ROLE, and every row is open.',
  remedy: 'Put the tenant test into every policy; give staff a login of their own.',
  run: (facts) =>
    policyFindings(facts, 'policy-role-wide', {
      message: () => 'is for a role that the app is or can become, and names no tenant',
    }),
}
