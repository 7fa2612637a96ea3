import { ruleCase } from '../rule-case.ts'

ruleCase('policy-null-tenant', {
  object: 'public.presets',
  severity: 'high',
  hole: `create table presets (id uuid primary key default gen_random_uuid(), tenant_id uuid references tenants (id), name text); alter table presets owner to {owner}; alter table presets enable row level security, force row level security; create policy p on presets using (tenant_id = (select nullif(current_setting('app.tenant_id', true), '')::uuid) or tenant_id is null); grant select, insert, update, delete on presets to {app};`,
  repaired: `create table presets (id uuid primary key default gen_random_uuid(), tenant_id uuid references tenants (id), name text); alter table presets owner to {owner}; alter table presets enable row level security, force row level security; create policy p on presets using (tenant_id = (select nullif(current_setting('app.tenant_id', true), '')::uuid)); create policy shared on presets for select using (tenant_id is null); grant select, insert, update, delete on presets to {app};`,
  nearMisses: {
    'nobody in reach can write': `create table presets (id uuid primary key default gen_random_uuid(), tenant_id uuid references tenants (id), name text); alter table presets owner to {owner}; alter table presets enable row level security, force row level security; create policy p on presets using (tenant_id = (select nullif(current_setting('app.tenant_id', true), '')::uuid) or tenant_id is null); grant select on presets to {app};`,
    'the column can not be NULL': `create table notes (id uuid primary key default gen_random_uuid(), tenant_id uuid not null references tenants (id), note text);
    alter table notes owner to {owner};
    alter table notes enable row level security, force row level security;
    grant select, insert, update, delete on notes to {app};
    create policy p on notes using (tenant_id = (select nullif(current_setting('app.tenant_id', true), '')::uuid) or tenant_id is null);`,
  },
})
