import { ruleCase } from '../rule-case.ts'

ruleCase('table-owned-by-app', {
  object: 'public.documents',
  severity: 'critical',
  hole: `alter table documents owner to {app};`,
  repaired: `alter table documents owner to {owner};`,
  nearMisses: {
    'the owner is a member of the app, not the reverse': `grant {app} to {owner};`,
  },
})
