import { ruleCase } from '../rule-case.ts'

ruleCase('sequence-writable', {
  hole: `create sequence invoice_numbers; alter sequence invoice_numbers owner to {owner}; grant all on sequence invoice_numbers to {app};`,
  object: `public.invoice_numbers`,
  severity: 'medium',
  proof: 'static',
  repaired: `create sequence invoice_numbers; alter sequence invoice_numbers owner to {owner}; grant usage, select on sequence invoice_numbers to {app};`,
  nearMisses: {},
})
