import { ruleCase } from '../rule-case.ts'

ruleCase('publication-unfiltered', {
  hole: `create publication everything for table documents;`,
  object: `publication everything`,
  severity: 'medium',
  proof: 'static',
  repaired: `create publication one for table documents where (tenant_id = 'ba5e0000-0000-4000-8000-000000000001');`,
  nearMisses: {
    'only a list for all': `create table countries (code text primary key); create publication lists for table countries;`,
  },
})
