import { ruleCase } from '../rule-case.ts'

ruleCase('policy-fail-open', {
  object: 'public.notes',
  severity: 'critical',
  hole: `create table notes (id uuid primary key default gen_random_uuid(), tenant_id uuid not null references tenants (id), note text);
    alter table notes owner to {owner};
    alter table notes enable row level security, force row level security;
    grant select, insert, update, delete on notes to {app};
    create policy p on notes using (tenant_id = nullif(current_setting('app.tenant_id', true), '')::uuid or nullif(current_setting('app.tenant_id', true), '') is null);`,
  repaired: `create table notes (id uuid primary key default gen_random_uuid(), tenant_id uuid not null references tenants (id), note text);
    alter table notes owner to {owner};
    alter table notes enable row level security, force row level security;
    grant select, insert, update, delete on notes to {app};
    create policy p on notes using (tenant_id = (select nullif(current_setting('app.tenant_id', true), '')::uuid));`,
  nearMisses: {
    'coalesce with a tenant that is none': `create table notes (id uuid primary key default gen_random_uuid(), tenant_id uuid not null references tenants (id), note text);
    alter table notes owner to {owner};
    alter table notes enable row level security, force row level security;
    grant select, insert, update, delete on notes to {app};
    create policy p on notes using (tenant_id = coalesce(nullif(current_setting('app.tenant_id', true), ''), '00000000-0000-0000-0000-000000000000')::uuid);`,
    'a condition that only narrows': `create table notes (id uuid primary key default gen_random_uuid(), tenant_id uuid not null references tenants (id), note text);
    alter table notes owner to {owner};
    alter table notes enable row level security, force row level security;
    grant select, insert, update, delete on notes to {app};
    create policy p on notes using (tenant_id = (select nullif(current_setting('app.tenant_id', true), '')::uuid) and current_setting('app.tenant_id', true) is not null);`,
  },
})

const PRESETS = `create table presets (id uuid primary key default gen_random_uuid(), tenant_id uuid references tenants (id), name text);
  alter table presets owner to {owner};
  alter table presets enable row level security, force row level security;
  create policy p on presets using (tenant_id is not distinct from nullif(current_setting('app.tenant_id', true), '')::uuid);
  grant select, insert, update, delete on presets to {app};`

// NULL is not distinct from NULL: without a context, rows without a tenant are open.
ruleCase('policy-fail-open', {
  proof: 'static',
  object: 'public.presets',
  hole: PRESETS,
  repaired: `${PRESETS} alter table presets alter column tenant_id set not null;`,
  nearMisses: {},
})
