import { ruleCase } from '../rule-case.ts'

ruleCase('rls-not-forced', {
  object: 'public.documents',
  severity: 'low',
  hole: `alter table documents no force row level security;`,
  repaired: `select 1;`,
  nearMisses: {
    'the table is not in use for tenants': `create table countries (code text primary key); alter table countries enable row level security;`,
  },
})
