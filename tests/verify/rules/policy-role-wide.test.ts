import { ruleCase } from '../rule-case.ts'

ruleCase('policy-role-wide', {
  object: 'public.notes',
  severity: 'high',
  hole: `create table notes (id uuid primary key default gen_random_uuid(), tenant_id uuid not null references tenants (id), note text);
    alter table notes owner to {owner};
    alter table notes enable row level security, force row level security;
    grant select, insert, update, delete on notes to {app};
    create policy p on notes using (tenant_id = (select nullif(current_setting('app.tenant_id', true), '')::uuid)); create policy support on notes to {support} using (true); grant {support} to {app}; grant select on notes to {support};`,
  repaired: `create table notes (id uuid primary key default gen_random_uuid(), tenant_id uuid not null references tenants (id), note text);
    alter table notes owner to {owner};
    alter table notes enable row level security, force row level security;
    grant select, insert, update, delete on notes to {app};
    create policy p on notes using (tenant_id = (select nullif(current_setting('app.tenant_id', true), '')::uuid)); create policy support on notes to {support} using (tenant_id = (select nullif(current_setting('app.tenant_id', true), '')::uuid)); grant {support} to {app}; grant select on notes to {support};`,
  nearMisses: {
    'the app is no member of that role': `create table notes (id uuid primary key default gen_random_uuid(), tenant_id uuid not null references tenants (id), note text);
    alter table notes owner to {owner};
    alter table notes enable row level security, force row level security;
    grant select, insert, update, delete on notes to {app};
    create policy p on notes using (tenant_id = (select nullif(current_setting('app.tenant_id', true), '')::uuid)); create policy support on notes to {support} using (true); grant select on notes to {support}; grant {app} to {support};`,
  },
})
