import { ruleCase } from '../rule-case.ts'

ruleCase('role-can-become-privileged', {
  hole: `alter role {support} bypassrls; grant select on documents to {support}; grant {support} to {staff}; grant {staff} to {app};`,
  object: `role {app}`,
  severity: 'critical',
  repaired: `alter role {support} bypassrls; grant {app} to {support};`,
  nearMisses: {
    'a member without more rights': `grant {reader} to {app}; grant select on documents to {reader};`,
    'the other direction': `grant {app} to {owner};`,
  },
})

ruleCase('role-can-become-privileged', {
  hole: `alter role {app} noinherit; grant {owner} to {app};`,
  object: `role {app}`,
  severity: 'critical',
  repaired: `alter role {app} noinherit;`,
  nearMisses: {},
})
