import { ruleCase } from '../rule-case.ts'

ruleCase('grant-public', {
  hole: `grant select on documents to public;`,
  object: `public.documents`,
  severity: 'low',
  proof: 'static',
  repaired: `select 1;`,
  nearMisses: {
    'a list for all is for all': `create table countries (code text primary key); alter table countries owner to {owner}; grant select on countries to public;`,
  },
})
