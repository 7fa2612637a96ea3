import { ruleCase } from '../rule-case.ts'

ruleCase('policy-range-compare', {
  object: 'public.notes',
  severity: 'high',
  hole: `create table notes (id uuid primary key default gen_random_uuid(), tenant_id uuid not null references tenants (id), note text);
    alter table notes owner to {owner};
    alter table notes enable row level security, force row level security;
    grant select, insert, update, delete on notes to {app};
    create policy p on notes using (tenant_id >= (select nullif(current_setting('app.tenant_id', true), '')::uuid));`,
  repaired: `create table notes (id uuid primary key default gen_random_uuid(), tenant_id uuid not null references tenants (id), note text);
    alter table notes owner to {owner};
    alter table notes enable row level security, force row level security;
    grant select, insert, update, delete on notes to {app};
    create policy p on notes using (tenant_id = (select nullif(current_setting('app.tenant_id', true), '')::uuid));`,
  nearMisses: {
    'a range on another column': `create table notes (id uuid primary key default gen_random_uuid(), tenant_id uuid not null references tenants (id), at timestamptz default now());
    alter table notes owner to {owner};
    alter table notes enable row level security, force row level security;
    grant select, insert, update, delete on notes to {app};
    create policy p on notes using (tenant_id = (select nullif(current_setting('app.tenant_id', true), '')::uuid) and at <= now());`,
  },
})

const AUTHORS = `create table notes (id uuid primary key default gen_random_uuid(), tenant_id uuid not null references tenants (id), author text not null default 'x', note text);
    alter table notes owner to {owner};
    alter table notes enable row level security, force row level security;
    grant select, insert, update, delete on notes to {app};`
const TENANT = `tenant_id = (select nullif(current_setting('app.tenant_id', true), '')::uuid)`

ruleCase('policy-range-compare', {
  name: 'OR behind AND without parentheses',
  object: 'public.notes',
  severity: 'high',
  proof: 'static',
  hole: `${AUTHORS} create policy p on notes using (${TENANT} and note is not null or author = current_setting('app.user', true));`,
  repaired: `${AUTHORS} create policy p on notes using (${TENANT} and (note is not null or author = current_setting('app.user', true)));`,
  nearMisses: {
    'a branch of its own beside the bare test is policy-column-opt-out': `${AUTHORS} create policy p on notes using (${TENANT} or note = 'public');`,
  },
  beside: {
    'a branch of its own beside the bare test is policy-column-opt-out': {
      rule: 'policy-column-opt-out',
      because: 'a value opens the row, and no condition was lost',
    },
  },
})
