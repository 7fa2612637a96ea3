import { ruleCase } from '../rule-case.ts'

ruleCase('tenant-default-constant', {
  object: 'public.notes',
  severity: 'medium',
  proof: 'static',
  hole: `create table notes (id uuid primary key default gen_random_uuid(), tenant_id uuid not null references tenants (id), note text);
    alter table notes owner to {owner};
    alter table notes enable row level security, force row level security;
    grant select, insert, update, delete on notes to {app};
    create policy p on notes using (tenant_id = (select nullif(current_setting('app.tenant_id', true), '')::uuid)); alter table notes alter column tenant_id set default '11111111-1111-4111-8111-111111111111';`,
  repaired: `create table notes (id uuid primary key default gen_random_uuid(), tenant_id uuid not null references tenants (id), note text);
    alter table notes owner to {owner};
    alter table notes enable row level security, force row level security;
    grant select, insert, update, delete on notes to {app};
    create policy p on notes using (tenant_id = (select nullif(current_setting('app.tenant_id', true), '')::uuid)); alter table notes alter column tenant_id set default nullif(current_setting('app.tenant_id', true), '')::uuid;`,
  nearMisses: {
    'another column has a constant': `create table notes (id uuid primary key default gen_random_uuid(), tenant_id uuid not null references tenants (id), status text not null default 'open');
    alter table notes owner to {owner};
    alter table notes enable row level security, force row level security;
    grant select, insert, update, delete on notes to {app};
    create policy p on notes using (tenant_id = (select nullif(current_setting('app.tenant_id', true), '')::uuid));`,
  },
})

const LAX = `create table notes (id uuid primary key default gen_random_uuid(), tenant_id uuid not null references tenants (id), note text);
  alter table notes owner to {owner};
  alter table notes enable row level security, force row level security;
  grant select, insert, update, delete on notes to {app};
  create policy p on notes for select using (tenant_id = (select nullif(current_setting('app.tenant_id', true), '')::uuid));
  create policy w on notes for insert with check (true);`

ruleCase('tenant-default-constant', {
  name: 'and no policy stops the row',
  object: 'public.notes',
  severity: 'medium',
  hole: `${LAX} alter table notes alter column tenant_id set default '11111111-1111-4111-8111-111111111111';`,
  repaired: `${LAX} alter table notes alter column tenant_id set default nullif(current_setting('app.tenant_id', true), '')::uuid;`,
  nearMisses: {},
  beside: { repaired: { rule: 'policy-check-lax', because: 'a row may still name another tenant' } },
})
