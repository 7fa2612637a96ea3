import { ruleCase } from '../rule-case.ts'

ruleCase('tenant-index-missing', {
  hole: `alter table documents drop constraint documents_pkey, add primary key (id);`,
  object: `public.documents`,
  severity: 'low',
  proof: 'static',
  repaired: `create index on documents (tenant_id, title);`,
  nearMisses: {
    'only a partial index beside a full one': `create index on documents (tenant_id) where title <> '';`,
  },
})
