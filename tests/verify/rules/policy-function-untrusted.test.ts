import { ruleCase } from '../rule-case.ts'

ruleCase('policy-function-untrusted', {
  object: 'public.own_tenant(uuid)',
  severity: 'critical',
  proof: 'static',
  hole: `create function own_tenant(t uuid) returns boolean language sql stable as $$ select t = nullif(current_setting('app.tenant_id', true), '')::uuid $$; create table notes (id uuid primary key default gen_random_uuid(), tenant_id uuid not null references tenants (id), note text);
    alter table notes owner to {owner};
    alter table notes enable row level security, force row level security;
    grant select, insert, update, delete on notes to {app};
    create policy p on notes using (own_tenant(tenant_id)); alter function own_tenant(uuid) owner to {app};`,
  repaired: `create function own_tenant(t uuid) returns boolean language sql stable as $$ select t = nullif(current_setting('app.tenant_id', true), '')::uuid $$; create table notes (id uuid primary key default gen_random_uuid(), tenant_id uuid not null references tenants (id), note text);
    alter table notes owner to {owner};
    alter table notes enable row level security, force row level security;
    grant select, insert, update, delete on notes to {app};
    create policy p on notes using (own_tenant(tenant_id)); alter function own_tenant(uuid) owner to {owner};`,
  nearMisses: {
    'the app owns a function that decides nothing': `create function own_tenant(t uuid) returns boolean language sql stable as $$ select t = nullif(current_setting('app.tenant_id', true), '')::uuid $$; create table notes (id uuid primary key default gen_random_uuid(), tenant_id uuid not null references tenants (id), note text);
    alter table notes owner to {owner};
    alter table notes enable row level security, force row level security;
    grant select, insert, update, delete on notes to {app};
    create policy p on notes using (own_tenant(tenant_id)); create function greet() returns text language sql as $$ select 'hi' $$; alter function greet() owner to {app};`,
  },
})

const OWN_TENANT = `create function own_tenant(t uuid) returns boolean language sql stable as $$ select t = nullif(current_setting('app.tenant_id', true), '')::uuid $$;
  create table notes (id uuid primary key default gen_random_uuid(), tenant_id uuid not null references tenants (id), note text);
  alter table notes owner to {owner};
  alter table notes enable row level security, force row level security;
  grant select, insert, update, delete on notes to {app};
  create policy p on notes using (own_tenant(tenant_id));
  grant create on schema public to {app};`

ruleCase('policy-function-untrusted', {
  name: 'the app may create in the schema too',
  object: 'public.own_tenant(uuid)',
  severity: 'critical',
  hole: `${OWN_TENANT} alter function own_tenant(uuid) owner to {app};`,
  repaired: `${OWN_TENANT} alter function own_tenant(uuid) owner to {owner};`,
  nearMisses: {},
  beside: { repaired: { rule: 'schema-create', because: 'the app may still create there' } },
})
