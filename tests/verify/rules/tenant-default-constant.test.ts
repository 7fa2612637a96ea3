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

const IN_DOMAIN = (
  type: string,
  column = '',
) => `create domain tenant_ref as uuid default '11111111-1111-4111-8111-111111111111';
  create domain narrower_ref as tenant_ref check (value is not null);
  create table notes (id uuid primary key default gen_random_uuid(), tenant_id ${type} not null ${column} references tenants (id), note text);
  alter table notes owner to {owner};
  alter table notes enable row level security, force row level security;
  grant select, insert, update, delete on notes to {app};
  create policy p on notes using (tenant_id = (select nullif(current_setting('app.tenant_id', true), '')::uuid));`
const OF_CONTEXT = "default nullif(current_setting('app.tenant_id', true), '')::uuid"

// A column without a default of its own has that of its domain.
for (const type of ['tenant_ref', 'narrower_ref'])
  ruleCase('tenant-default-constant', {
    name: `of the domain ${type}`,
    object: 'public.notes',
    severity: 'medium',
    proof: 'static',
    hole: IN_DOMAIN(type),
    repaired: IN_DOMAIN(type, OF_CONTEXT),
    nearMisses: { 'the column has a default of its own, NULL': IN_DOMAIN(type, 'default null') },
  })
