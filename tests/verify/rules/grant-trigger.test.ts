import { ruleCase } from '../rule-case.ts'

ruleCase('grant-trigger', {
  hole: `grant trigger on documents to {app};`,
  object: `public.documents`,
  severity: 'high',
  repaired: `select 1;`,
  nearMisses: {
    'another role may': `grant trigger on documents to {builder};`,
  },
})
