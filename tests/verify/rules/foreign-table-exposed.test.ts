import { ruleCase } from '../rule-case.ts'

ruleCase('foreign-table-exposed', {
  object: 'public.remote_documents',
  severity: 'high',
  proof: 'static',
  hole: `create extension postgres_fdw; create server far foreign data wrapper postgres_fdw options (host '127.0.0.1', port '1'); create foreign table remote_documents (tenant_id uuid not null, title text) server far; grant select on remote_documents to {app};`,
  repaired: `create extension postgres_fdw; create server far foreign data wrapper postgres_fdw options (host '127.0.0.1', port '1'); create foreign table remote_documents (tenant_id uuid not null, title text) server far;`,
  nearMisses: {
    'it holds nothing of tenants': `create extension postgres_fdw; create server far foreign data wrapper postgres_fdw options (host '127.0.0.1', port '1'); create foreign table rates (day date, rate numeric) server far; grant select on rates to {app};`,
  },
})
