import { ruleCase } from '../rule-case.ts'

ruleCase('role-superuser', {
  hole: `alter role {app} superuser;`,
  object: `role {app}`,
  severity: 'critical',
  repaired: `alter role {app} nosuperuser;`,
  nearMisses: {
    'another role is': `alter role {ops} superuser;`,
  },
})
