import { ruleCase } from '../rule-case.ts'

ruleCase('policy-function-constant', {
  object: 'public.current_tenant()',
  severity: 'critical',
  hole: `create function current_tenant() returns uuid language sql immutable as $$ select nullif(current_setting('app.tenant_id', true), '')::uuid $$; create table notes (id uuid primary key default gen_random_uuid(), tenant_id uuid not null references tenants (id), note text);
    alter table notes owner to {owner};
    alter table notes enable row level security, force row level security;
    grant select, insert, update, delete on notes to {app};
    create policy p on notes using (tenant_id = current_tenant());`,
  repaired: `create function current_tenant() returns uuid language sql stable as $$ select nullif(current_setting('app.tenant_id', true), '')::uuid $$; create table notes (id uuid primary key default gen_random_uuid(), tenant_id uuid not null references tenants (id), note text);
    alter table notes owner to {owner};
    alter table notes enable row level security, force row level security;
    grant select, insert, update, delete on notes to {app};
    create policy p on notes using (tenant_id = current_tenant());`,
  nearMisses: {
    'an immutable helper that reads nothing': `create function same(a uuid, b uuid) returns boolean language sql immutable as $$ select a = b $$; create table notes (id uuid primary key default gen_random_uuid(), tenant_id uuid not null references tenants (id), note text);
    alter table notes owner to {owner};
    alter table notes enable row level security, force row level security;
    grant select, insert, update, delete on notes to {app};
    create policy p on notes using (same(tenant_id, (select nullif(current_setting('app.tenant_id', true), '')::uuid)));`,
  },
})
