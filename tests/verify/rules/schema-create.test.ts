import { ruleCase } from '../rule-case.ts'

ruleCase('schema-create', {
  hole: `grant create on schema public to {app};`,
  object: `schema public`,
  severity: 'high',
  repaired: `select 1;`,
  nearMisses: {
    'another role may': `grant create on schema public to {builder};`,
  },
})
