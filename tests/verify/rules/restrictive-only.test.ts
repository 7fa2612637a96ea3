import { ruleCase } from '../rule-case.ts'

ruleCase('restrictive-only', {
  object: 'public.notes',
  severity: 'low',
  proof: 'static',
  // A closed table stays closed until a person opens it.
  fixMends: false,
  hole: `create table notes (id uuid primary key default gen_random_uuid(), tenant_id uuid not null references tenants (id), note text);
    alter table notes owner to {owner};
    alter table notes enable row level security, force row level security;
    grant select, insert, update, delete on notes to {app};
    create policy p on notes as restrictive using (tenant_id = (select nullif(current_setting('app.tenant_id', true), '')::uuid));`,
  repaired: `create table notes (id uuid primary key default gen_random_uuid(), tenant_id uuid not null references tenants (id), note text);
    alter table notes owner to {owner};
    alter table notes enable row level security, force row level security;
    grant select, insert, update, delete on notes to {app};
    create policy p on notes as restrictive using (tenant_id = (select nullif(current_setting('app.tenant_id', true), '')::uuid)); create policy q on notes using (tenant_id = (select nullif(current_setting('app.tenant_id', true), '')::uuid));`,
  nearMisses: {
    'the app has no grant': `create table notes (id uuid primary key default gen_random_uuid(), tenant_id uuid not null references tenants (id), note text);
    alter table notes owner to {owner};
    alter table notes enable row level security, force row level security;
    grant select, insert, update, delete on notes to {app};
    create policy p on notes as restrictive using (true); revoke all on notes from {app};`,
  },
})

const NOTES = (grants: string) => `
  create table notes (id uuid primary key default gen_random_uuid(), tenant_id uuid not null references tenants (id), note text);
  alter table notes owner to {owner}; alter table notes enable row level security, force row level security;
  grant ${grants} on notes to {app};
  create policy r on notes for select using (tenant_id = (select nullif(current_setting('app.tenant_id', true), '')::uuid));
  create policy w on notes for insert with check (tenant_id = (select nullif(current_setting('app.tenant_id', true), '')::uuid));`

ruleCase('restrictive-only', {
  name: 'a command that is granted and has no policy',
  object: 'public.notes',
  severity: 'low',
  proof: 'static',
  // An error in place of no row may break what works.
  fixMends: false,
  hole: NOTES('select, insert, update'),
  repaired: NOTES('select, insert'),
  nearMisses: {},
})
