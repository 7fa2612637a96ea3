import { ruleCase } from '../rule-case.ts'

ruleCase('sequence-oracle', {
  hole: `alter table documents add column document_no bigserial;`,
  object: `public.documents`,
  severity: 'low',
  proof: 'static',
  repaired: `alter table documents add column document_no bigint;`,
  nearMisses: {
    'the row’s own key': `create table notes (id bigserial primary key, tenant_id uuid not null references tenants (id)); alter table notes owner to {owner}; alter table notes enable row level security, force row level security;
  create policy tenant_isolation on notes using (tenant_id = (select nullif(current_setting('app.tenant_id', true), '')::uuid));
  grant select, insert, update, delete on notes to {app};`,
  },
})
