import { ruleCase } from '../rule-case.ts'

ruleCase('policy-wrong-column', {
  object: 'public.notes',
  severity: 'critical',
  hole: `create table notes (id uuid primary key default gen_random_uuid(), tenant_id uuid not null references tenants (id), owner_id uuid, note text);
    alter table notes owner to {owner};
    alter table notes enable row level security, force row level security;
    grant select, insert, update, delete on notes to {app};
    create policy p on notes using (owner_id = (select nullif(current_setting('app.tenant_id', true), '')::uuid));`,
  repaired: `create table notes (id uuid primary key default gen_random_uuid(), tenant_id uuid not null references tenants (id), owner_id uuid, note text);
    alter table notes owner to {owner};
    alter table notes enable row level security, force row level security;
    grant select, insert, update, delete on notes to {app};
    create policy p on notes using (tenant_id = (select nullif(current_setting('app.tenant_id', true), '')::uuid));`,
  nearMisses: {
    'both columns are compared': `create table notes (id uuid primary key default gen_random_uuid(), tenant_id uuid not null references tenants (id), owner_id uuid, note text);
    alter table notes owner to {owner};
    alter table notes enable row level security, force row level security;
    grant select, insert, update, delete on notes to {app};
    create policy p on notes using (tenant_id = (select nullif(current_setting('app.tenant_id', true), '')::uuid) and owner_id = (select nullif(current_setting('app.tenant_id', true), '')::uuid));`,
  },
})
