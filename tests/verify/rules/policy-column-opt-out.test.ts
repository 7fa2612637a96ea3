import { ruleCase } from '../rule-case.ts'

ruleCase('policy-column-opt-out', {
  object: 'public.notes',
  severity: 'high',
  hole: `create table notes (id uuid primary key default gen_random_uuid(), tenant_id uuid not null references tenants (id), is_public boolean not null default false, note text);
    alter table notes owner to {owner};
    alter table notes enable row level security, force row level security;
    grant select, insert, update, delete on notes to {app};
    create policy p on notes using (tenant_id = (select nullif(current_setting('app.tenant_id', true), '')::uuid) or is_public);`,
  repaired: `create table notes (id uuid primary key default gen_random_uuid(), tenant_id uuid not null references tenants (id), is_public boolean not null default false, note text);
    alter table notes owner to {owner};
    alter table notes enable row level security, force row level security;
    grant select, insert, update, delete on notes to {app};
    create policy p on notes using (tenant_id = (select nullif(current_setting('app.tenant_id', true), '')::uuid));`,
  nearMisses: {
    'the column narrows': `create table notes (id uuid primary key default gen_random_uuid(), tenant_id uuid not null references tenants (id), is_public boolean not null default false, note text);
    alter table notes owner to {owner};
    alter table notes enable row level security, force row level security;
    grant select, insert, update, delete on notes to {app};
    create policy p on notes using (tenant_id = (select nullif(current_setting('app.tenant_id', true), '')::uuid) and not is_public);`,
  },
})
