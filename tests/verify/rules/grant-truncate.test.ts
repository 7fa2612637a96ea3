import { ruleCase } from '../rule-case.ts'

ruleCase('grant-truncate', {
  hole: `grant truncate on documents to {app};`,
  object: `public.documents`,
  severity: 'high',
  repaired: `select 1;`,
  nearMisses: {
    'another role may': `grant truncate on documents to {janitor};`,
  },
})

ruleCase('grant-truncate', {
  hole: `grant {writers} to {app}; grant truncate on documents to {writers};`,
  object: `public.documents`,
  severity: 'high',
  repaired: `grant {writers} to {app};`,
  nearMisses: {},
})
