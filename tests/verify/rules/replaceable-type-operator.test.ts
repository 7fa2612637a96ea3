import { ruleCase } from '../rule-case.ts'

ruleCase('replaceable-type-operator', {
  hole: `create domain label as text; alter table documents add column label label; alter domain label owner to {app};`,
  object: `public.label`,
  severity: 'medium',
  proof: 'static',
  repaired: `create domain label as text; alter table documents add column label label; alter domain label owner to {owner};`,
  nearMisses: {
    'nothing uses it': `create domain unused as text; alter domain unused owner to {app};`,
  },
})
