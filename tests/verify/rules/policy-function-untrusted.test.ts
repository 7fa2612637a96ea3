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

const TABLE = `create table notes (id uuid primary key default gen_random_uuid(), tenant_id tenant_ref not null references tenants (id), note text);
  alter table notes owner to {owner};
  alter table notes enable row level security, force row level security;
  grant select, insert, update, delete on notes to {app};
  create policy p on notes using (tenant_id = (select nullif(current_setting('app.tenant_id', true), '')::uuid));`
const OF_DOMAIN: Readonly<Record<string, string>> = {
  'the default of a domain': `create function first_tenant() returns uuid language sql stable as $$ select nullif(current_setting('app.tenant_id', true), '')::uuid $$;
    create domain tenant_ref as uuid default first_tenant(); ${TABLE}`,
  'the CHECK constraint of a domain below': `create function first_tenant() returns uuid language sql stable as $$ select nullif(current_setting('app.tenant_id', true), '')::uuid $$;
    create domain any_ref as uuid check (value is distinct from first_tenant() or true); create domain tenant_ref as any_ref; ${TABLE}`,
}

for (const [name, sql] of Object.entries(OF_DOMAIN))
  ruleCase('policy-function-untrusted', {
    name: `it decides as ${name}`,
    object: 'public.first_tenant()',
    severity: 'critical',
    proof: 'static',
    hole: `${sql} alter function first_tenant() owner to {app};`,
    repaired: `${sql} alter function first_tenant() owner to {owner};`,
    nearMisses: {},
  })
