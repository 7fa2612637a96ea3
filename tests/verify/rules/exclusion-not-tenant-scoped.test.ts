import { ruleCase } from '../rule-case.ts'

ruleCase('exclusion-not-tenant-scoped', {
  hole: `create extension btree_gist; alter table documents add exclude using gist (title with =);`,
  object: `public.documents`,
  severity: 'medium',
  repaired: `create extension btree_gist; alter table documents add exclude using gist (tenant_id with =, title with =);`,
  nearMisses: {},
})
