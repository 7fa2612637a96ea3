import { ruleCase } from '../rule-case.ts'

ruleCase('policy-user-not-tenant', {
  object: 'public.notes',
  severity: 'high',
  hole: `create table memberships (tenant_id uuid not null references tenants (id), user_id text not null, primary key (tenant_id, user_id));
    alter table memberships owner to {owner};
    grant select on memberships to {app};create table notes (id uuid primary key default gen_random_uuid(), tenant_id uuid not null references tenants (id), note text);
    alter table notes owner to {owner};
    alter table notes enable row level security, force row level security;
    grant select, insert, update, delete on notes to {app};
    create policy p on notes using (tenant_id in (select m.tenant_id from memberships m where m.user_id = current_setting('app.user_id', true)));`,
  repaired: `create table memberships (tenant_id uuid not null references tenants (id), user_id text not null, primary key (tenant_id, user_id));
    alter table memberships owner to {owner}; alter table memberships enable row level security, force row level security;
    create policy m on memberships using (tenant_id = (select nullif(current_setting('app.tenant_id', true), '')::uuid));
    grant select on memberships to {app};create table notes (id uuid primary key default gen_random_uuid(), tenant_id uuid not null references tenants (id), note text);
    alter table notes owner to {owner};
    alter table notes enable row level security, force row level security;
    grant select, insert, update, delete on notes to {app};
    create policy p on notes using (tenant_id = (select nullif(current_setting('app.tenant_id', true), '')::uuid) and tenant_id in (select m.tenant_id from memberships m where m.user_id = current_setting('app.user_id', true)));`,
  nearMisses: {
    'the user narrows inside the tenant': `create table notes (id uuid primary key default gen_random_uuid(), tenant_id uuid not null references tenants (id), author text);
    alter table notes owner to {owner};
    alter table notes enable row level security, force row level security;
    grant select, insert, update, delete on notes to {app};
    create policy p on notes using (tenant_id = (select nullif(current_setting('app.tenant_id', true), '')::uuid) and author = current_setting('app.user_id', true));`,
  },
})
