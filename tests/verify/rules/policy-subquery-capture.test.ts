import { ruleCase } from '../rule-case.ts'

ruleCase('policy-subquery-capture', {
  object: 'public.notes',
  severity: 'critical',
  hole: `create table memberships (tenant_id uuid not null references tenants (id), user_id text not null, primary key (tenant_id, user_id));
    alter table memberships owner to {owner}; alter table memberships enable row level security, force row level security;
    create policy m on memberships using (tenant_id = (select nullif(current_setting('app.tenant_id', true), '')::uuid));
    grant select on memberships to {app};create table notes (id uuid primary key default gen_random_uuid(), tenant_id uuid not null references tenants (id), note text);
    alter table notes owner to {owner};
    alter table notes enable row level security, force row level security;
    grant select, insert, update, delete on notes to {app};
    create policy p on notes using (exists (select 1 from memberships m where m.tenant_id = tenant_id and m.user_id = current_setting('app.user_id', true)));`,
  repaired: `create table memberships (tenant_id uuid not null references tenants (id), user_id text not null, primary key (tenant_id, user_id));
    alter table memberships owner to {owner}; alter table memberships enable row level security, force row level security;
    create policy m on memberships using (tenant_id = (select nullif(current_setting('app.tenant_id', true), '')::uuid));
    grant select on memberships to {app};create table notes (id uuid primary key default gen_random_uuid(), tenant_id uuid not null references tenants (id), note text);
    alter table notes owner to {owner};
    alter table notes enable row level security, force row level security;
    grant select, insert, update, delete on notes to {app};
    create policy p on notes using (tenant_id = (select nullif(current_setting('app.tenant_id', true), '')::uuid) and exists (select 1 from memberships m where m.tenant_id = notes.tenant_id and m.user_id = current_setting('app.user_id', true)));`,
  nearMisses: {
    'the inner table has no such column': `create table admins (user_id text primary key, org uuid not null references tenants (id)); alter table admins owner to {owner}; alter table admins enable row level security, force row level security; create policy a on admins using (org = (select nullif(current_setting('app.tenant_id', true), '')::uuid)); grant select on admins to {app}; create table notes (id uuid primary key default gen_random_uuid(), tenant_id uuid not null references tenants (id), note text);
    alter table notes owner to {owner};
    alter table notes enable row level security, force row level security;
    grant select, insert, update, delete on notes to {app};
    create policy p on notes using (tenant_id = (select nullif(current_setting('app.tenant_id', true), '')::uuid) and exists (select 1 from admins a where a.org = tenant_id));`,
  },
})
