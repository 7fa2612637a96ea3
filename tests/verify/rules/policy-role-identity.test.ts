import { ruleCase } from '../rule-case.ts'

ruleCase('policy-role-identity', {
  object: 'public.notes',
  severity: 'high',
  hole: `create table notes (id uuid primary key default gen_random_uuid(), tenant_id uuid not null references tenants (id), author text);
    alter table notes owner to {owner};
    alter table notes enable row level security, force row level security;
    grant select, insert, update, delete on notes to {app};
    create policy p on notes using (author = current_user);`,
  repaired: `create table notes (id uuid primary key default gen_random_uuid(), tenant_id uuid not null references tenants (id), author text);
    alter table notes owner to {owner};
    alter table notes enable row level security, force row level security;
    grant select, insert, update, delete on notes to {app};
    create policy p on notes using (tenant_id = (select nullif(current_setting('app.tenant_id', true), '')::uuid));`,
  nearMisses: {
    'a role that the app can never be': `create table notes (id uuid primary key default gen_random_uuid(), tenant_id uuid not null references tenants (id), note text);
    alter table notes owner to {owner};
    alter table notes enable row level security, force row level security;
    grant select, insert, update, delete on notes to {app};
    create policy p on notes using (tenant_id = (select nullif(current_setting('app.tenant_id', true), '')::uuid) or current_user = 'reporting_only');`,
  },
})
