import { ruleCase } from '../rule-case.ts'

ruleCase('policy-role-wide', {
  object: 'public.notes',
  severity: 'high',
  hole: `create table notes (id uuid primary key default gen_random_uuid(), tenant_id uuid not null references tenants (id), note text);
    alter table notes owner to {owner};
    alter table notes enable row level security, force row level security;
    grant select, insert, update, delete on notes to {app};
    create policy p on notes using (tenant_id = (select nullif(current_setting('app.tenant_id', true), '')::uuid)); create policy support on notes to {support} using (true); grant {support} to {app}; grant select on notes to {support};`,
  repaired: `create table notes (id uuid primary key default gen_random_uuid(), tenant_id uuid not null references tenants (id), note text);
    alter table notes owner to {owner};
    alter table notes enable row level security, force row level security;
    grant select, insert, update, delete on notes to {app};
    create policy p on notes using (tenant_id = (select nullif(current_setting('app.tenant_id', true), '')::uuid)); create policy support on notes to {support} using (tenant_id = (select nullif(current_setting('app.tenant_id', true), '')::uuid)); grant {support} to {app}; grant select on notes to {support};`,
  nearMisses: {
    'the app is no member of that role': `create table notes (id uuid primary key default gen_random_uuid(), tenant_id uuid not null references tenants (id), note text);
    alter table notes owner to {owner};
    alter table notes enable row level security, force row level security;
    grant select, insert, update, delete on notes to {app};
    create policy p on notes using (tenant_id = (select nullif(current_setting('app.tenant_id', true), '')::uuid)); create policy support on notes to {support} using (true); grant select on notes to {support}; grant {app} to {support};`,
  },
})

const NOTES = `create table notes (id uuid primary key default gen_random_uuid(), tenant_id uuid not null references tenants (id), author text not null default 'x', note text);
    alter table notes owner to {owner};
    alter table notes enable row level security, force row level security;
    grant select, insert, update, delete on notes to {app};
    create policy p on notes to {app} using (tenant_id = (select nullif(current_setting('app.tenant_id', true), '')::uuid));
    grant select on notes to {lead};`

ruleCase('policy-role-wide', {
  name: 'a role that is only reached by SET ROLE, with a condition on the row',
  object: 'public.notes',
  severity: 'high',
  hole: `${NOTES} create policy leads on notes for select to {lead} using (length(note) >= 0); grant {lead} to {app} with inherit false;`,
  repaired: `${NOTES} create policy leads on notes for select to {lead} using (length(note) >= 0 and tenant_id = (select nullif(current_setting('app.tenant_id', true), '')::uuid)); grant {lead} to {app} with inherit false;`,
  nearMisses: {
    'the app is no member of that role': `${NOTES} create policy leads on notes for select to {lead} using (length(note) >= 0);`,
  },
})
