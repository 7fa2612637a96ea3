import { ruleCase } from '../rule-case.ts'

ruleCase('policy-function-search-path', {
  object: 'public.my_tenants()',
  severity: 'critical',
  proof: 'static',
  hole: `create table memberships (tenant_id uuid not null references tenants (id), user_id text not null, primary key (tenant_id, user_id));
    alter table memberships owner to {owner}; alter table memberships enable row level security, force row level security;
    create policy m on memberships using (tenant_id = (select nullif(current_setting('app.tenant_id', true), '')::uuid));
    grant select on memberships to {app};create function my_tenants() returns setof uuid language sql stable  as $$ select tenant_id from memberships where user_id = current_setting('app.user_id', true) $$; create table notes (id uuid primary key default gen_random_uuid(), tenant_id uuid not null references tenants (id), note text);
    alter table notes owner to {owner};
    alter table notes enable row level security, force row level security;
    grant select, insert, update, delete on notes to {app};
    create policy p on notes using (tenant_id = (select nullif(current_setting('app.tenant_id', true), '')::uuid) and tenant_id in (select my_tenants()));`,
  repaired: `create table memberships (tenant_id uuid not null references tenants (id), user_id text not null, primary key (tenant_id, user_id));
    alter table memberships owner to {owner}; alter table memberships enable row level security, force row level security;
    create policy m on memberships using (tenant_id = (select nullif(current_setting('app.tenant_id', true), '')::uuid));
    grant select on memberships to {app};create function my_tenants() returns setof uuid language sql stable set search_path = public, pg_temp as $$ select tenant_id from memberships where user_id = current_setting('app.user_id', true) $$; create table notes (id uuid primary key default gen_random_uuid(), tenant_id uuid not null references tenants (id), note text);
    alter table notes owner to {owner};
    alter table notes enable row level security, force row level security;
    grant select, insert, update, delete on notes to {app};
    create policy p on notes using (tenant_id = (select nullif(current_setting('app.tenant_id', true), '')::uuid) and tenant_id in (select my_tenants()));`,
  nearMisses: {
    'the name is qualified': `create table memberships (tenant_id uuid not null references tenants (id), user_id text not null, primary key (tenant_id, user_id));
    alter table memberships owner to {owner}; alter table memberships enable row level security, force row level security;
    create policy m on memberships using (tenant_id = (select nullif(current_setting('app.tenant_id', true), '')::uuid));
    grant select on memberships to {app};create function my_tenants() returns setof uuid language sql stable  as $$ select tenant_id from public.memberships where user_id = current_setting('app.user_id', true) $$; create table notes (id uuid primary key default gen_random_uuid(), tenant_id uuid not null references tenants (id), note text);
    alter table notes owner to {owner};
    alter table notes enable row level security, force row level security;
    grant select, insert, update, delete on notes to {app};
    create policy p on notes using (tenant_id = (select nullif(current_setting('app.tenant_id', true), '')::uuid) and tenant_id in (select my_tenants()));`,
    'nobody may make temporary tables': `do $$ begin execute format('revoke temporary on database %I from public', current_database()); end $$; create table memberships (tenant_id uuid not null references tenants (id), user_id text not null, primary key (tenant_id, user_id));
    alter table memberships owner to {owner}; alter table memberships enable row level security, force row level security;
    create policy m on memberships using (tenant_id = (select nullif(current_setting('app.tenant_id', true), '')::uuid));
    grant select on memberships to {app};create function my_tenants() returns setof uuid language sql stable  as $$ select tenant_id from memberships where user_id = current_setting('app.user_id', true) $$; create table notes (id uuid primary key default gen_random_uuid(), tenant_id uuid not null references tenants (id), note text);
    alter table notes owner to {owner};
    alter table notes enable row level security, force row level security;
    grant select, insert, update, delete on notes to {app};
    create policy p on notes using (tenant_id = (select nullif(current_setting('app.tenant_id', true), '')::uuid) and tenant_id in (select my_tenants()));`,
  },
})

const BY_USER = `create table memberships (tenant_id uuid not null references tenants (id), user_id text not null, primary key (tenant_id, user_id));
  alter table memberships owner to {owner}; alter table memberships enable row level security, force row level security;
  create policy m on memberships using (user_id = current_setting('app.user_id', true));
  grant select on memberships to {app};
  drop policy tenant_isolation on documents;
  drop policy own on tenants;`
const POLICIES = `create policy own on tenants using (id in (select my_tenants()));
  create policy tenant_isolation on documents using (tenant_id in (select my_tenants()));`

ruleCase('policy-function-search-path', {
  name: 'the helper alone decides',
  object: 'public.my_tenants()',
  severity: 'critical',
  hole: `${BY_USER} create function my_tenants() returns setof uuid language sql stable as $$ select tenant_id from memberships where user_id = current_setting('app.user_id', true) $$; ${POLICIES}`,
  repaired: `${BY_USER} create function my_tenants() returns setof uuid language sql stable set search_path = public, pg_temp as $$ select tenant_id from memberships where user_id = current_setting('app.user_id', true) $$; ${POLICIES}`,
  nearMisses: {},
})
