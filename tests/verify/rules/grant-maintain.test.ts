import { ruleCase } from '../rule-case.ts'

ruleCase('grant-maintain', {
  hole: `grant maintain on documents to {app};`,
  object: `public.documents`,
  severity: 'low',
  proof: 'static',
  repaired: `select 1;`,
  nearMisses: {
    'another role may': `grant maintain on documents to {janitor};`,
  },
})
