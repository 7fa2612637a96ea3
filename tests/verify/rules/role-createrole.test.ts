import { ruleCase } from '../rule-case.ts'

ruleCase('role-createrole', {
  hole: `alter role {app} createrole;`,
  object: `role {app}`,
  severity: 'high',
  proof: 'static',
  repaired: `alter role {app} nocreaterole;`,
  nearMisses: {
    'another role may': `alter role {ops} createrole;`,
  },
})
