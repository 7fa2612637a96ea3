import { ruleCase } from '../rule-case.ts'

ruleCase('policy-command-gap', {
  object: 'public.notes',
  severity: 'critical',
  hole: `create table notes (id uuid primary key default gen_random_uuid(), tenant_id uuid not null references tenants (id), note text);
    alter table notes owner to {owner};
    alter table notes enable row level security, force row level security;
    grant select, insert, update, delete on notes to {app};
    create policy p on notes for select using (tenant_id = (select nullif(current_setting('app.tenant_id', true), '')::uuid)); create policy i on notes for insert with check (tenant_id = (select nullif(current_setting('app.tenant_id', true), '')::uuid)); create policy u on notes for update using (true) with check (tenant_id = (select nullif(current_setting('app.tenant_id', true), '')::uuid)); create policy d on notes for delete using (true);`,
  repaired: `create table notes (id uuid primary key default gen_random_uuid(), tenant_id uuid not null references tenants (id), note text);
    alter table notes owner to {owner};
    alter table notes enable row level security, force row level security;
    grant select, insert, update, delete on notes to {app};
    create policy p on notes for select using (tenant_id = (select nullif(current_setting('app.tenant_id', true), '')::uuid)); create policy i on notes for insert with check (tenant_id = (select nullif(current_setting('app.tenant_id', true), '')::uuid)); create policy u on notes for update using (tenant_id = (select nullif(current_setting('app.tenant_id', true), '')::uuid)); create policy d on notes for delete using (tenant_id = (select nullif(current_setting('app.tenant_id', true), '')::uuid));`,
  nearMisses: {
    'the app may not delete': `create table notes (id uuid primary key default gen_random_uuid(), tenant_id uuid not null references tenants (id), note text);
    alter table notes owner to {owner};
    alter table notes enable row level security, force row level security;
    grant select, insert, update, delete on notes to {app};
    create policy p on notes for select using (tenant_id = (select nullif(current_setting('app.tenant_id', true), '')::uuid)); create policy d on notes for delete using (true); revoke insert, update, delete on notes from {app};`,
  },
})
