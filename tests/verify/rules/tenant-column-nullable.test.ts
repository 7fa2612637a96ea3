import { ruleCase } from '../rule-case.ts'

ruleCase('tenant-column-nullable', {
  object: 'public.presets',
  severity: 'low',
  proof: 'static',
  hole: `create table presets (id uuid primary key default gen_random_uuid(), tenant_id uuid references tenants (id), name text); alter table presets owner to {owner}; alter table presets enable row level security, force row level security; create policy p on presets using (tenant_id = (select nullif(current_setting('app.tenant_id', true), '')::uuid)); grant select, insert on presets to {app};`,
  repaired: `create table presets (id uuid primary key default gen_random_uuid(), tenant_id uuid references tenants (id), name text); alter table presets owner to {owner}; alter table presets enable row level security, force row level security; create policy p on presets using (tenant_id = (select nullif(current_setting('app.tenant_id', true), '')::uuid)); grant select, insert on presets to {app}; alter table presets alter column tenant_id set not null;`,
  nearMisses: {
    'a domain says NOT NULL': `create domain tenant_ref as uuid not null; create table presets (id uuid primary key, tenant_id tenant_ref); alter table presets enable row level security, force row level security; create policy p on presets using (tenant_id = (select nullif(current_setting('app.tenant_id', true), '')::uuid)); grant select, insert on presets to {app};`,
    'the app may only read': `create table presets (id uuid primary key default gen_random_uuid(), tenant_id uuid references tenants (id), name text); alter table presets owner to {owner}; alter table presets enable row level security, force row level security; create policy p on presets using (tenant_id = (select nullif(current_setting('app.tenant_id', true), '')::uuid)); grant select on presets to {app};`,
  },
})
