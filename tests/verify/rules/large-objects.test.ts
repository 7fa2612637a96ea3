import { ruleCase } from '../rule-case.ts'

ruleCase('large-objects', {
  hole: `alter table documents add column content oid;`,
  object: `public.documents`,
  severity: 'high',
  fixMends: false,
  repaired: `alter table documents add column content bytea;`,
  nearMisses: {
    'an oid that names a table': `alter table documents add column table_oid oid;`,
  },
})
