import { ruleCase } from '../rule-case.ts'

ruleCase('policy-empty-string-error', {
  object: 'public.notes',
  severity: 'low',
  hole: `create table notes (id uuid primary key default gen_random_uuid(), tenant_id uuid not null references tenants (id), note text);
    alter table notes owner to {owner};
    alter table notes enable row level security, force row level security;
    grant select, insert, update, delete on notes to {app};
    create policy p on notes using (tenant_id = (select current_setting('app.tenant_id', true)::uuid));`,
  repaired: `create table notes (id uuid primary key default gen_random_uuid(), tenant_id uuid not null references tenants (id), note text);
    alter table notes owner to {owner};
    alter table notes enable row level security, force row level security;
    grant select, insert, update, delete on notes to {app};
    create policy p on notes using (tenant_id = (select nullif(current_setting('app.tenant_id', true), '')::uuid));`,
  nearMisses: {
    'the column is text and the setting is not cast': `create table labels (tenant_id text not null, name text); alter table labels enable row level security, force row level security; create policy p on labels using (tenant_id = current_setting('app.tenant_id', true)); grant select on labels to {app};`,
  },
})
