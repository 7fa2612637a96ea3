import { ruleCase } from '../rule-case.ts'

ruleCase('role-bypassrls', {
  // A login for the application is made by a person: taking powers away breaks other work of the role.
  fixMends: false,
  hole: `alter role {app} bypassrls;`,
  object: `role {app}`,
  severity: 'critical',
  repaired: `alter role {app} nobypassrls;`,
  nearMisses: {
    'another role has it': `alter role {reporting} bypassrls;`,
    'a member of the app has it': `alter role {ops} bypassrls; grant {app} to {ops};`,
  },
})
