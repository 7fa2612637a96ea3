import { ruleCase } from '../rule-case.ts'

ruleCase('role-self-settings', {
  hole: `alter role {app} set search_path = public, pg_temp;`,
  object: `role {app}`,
  severity: 'low',
  proof: 'static',
  repaired: `alter role {app} reset all;`,
  nearMisses: {
    'a time-out is only told': `alter role {app} set statement_timeout = '5s';`,
    'of another role': `alter role {ops} set search_path = public;`,
  },
})
