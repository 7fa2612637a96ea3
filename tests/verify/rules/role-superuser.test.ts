import { ruleCase } from '../rule-case.ts'

ruleCase('role-superuser', {
  // A login for the application is made by a person: taking powers away breaks other work of the role.
  fixMends: false,
  hole: `alter role {app} superuser;`,
  object: `role {app}`,
  severity: 'critical',
  repaired: `alter role {app} nosuperuser;`,
  nearMisses: {
    'another role is': `alter role {ops} superuser;`,
  },
})
