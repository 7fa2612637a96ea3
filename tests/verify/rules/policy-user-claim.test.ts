import { describe } from 'vitest'
import { ruleCase } from '../rule-case.ts'

ruleCase('policy-user-claim', {
  object: 'public.notes',
  severity: 'high',
  hole: `create table notes (id uuid primary key default gen_random_uuid(), tenant_id uuid not null references tenants (id), note text);
    alter table notes owner to {owner};
    alter table notes enable row level security, force row level security;
    grant select, insert, update, delete on notes to {app};
    create policy p on notes using (tenant_id = (current_setting('request.jwt.claims', true)::json -> 'user_metadata' ->> 'tenant_id')::uuid);`,
  repaired: `create table notes (id uuid primary key default gen_random_uuid(), tenant_id uuid not null references tenants (id), note text);
    alter table notes owner to {owner};
    alter table notes enable row level security, force row level security;
    grant select, insert, update, delete on notes to {app};
    create policy p on notes using (tenant_id = (select nullif(current_setting('app.tenant_id', true), '')::uuid));`,
  nearMisses: {
    'the claim of the provider narrows': `create table notes (id uuid primary key default gen_random_uuid(), tenant_id uuid not null references tenants (id), note text);
    alter table notes owner to {owner};
    alter table notes enable row level security, force row level security;
    grant select, insert, update, delete on notes to {app};
    create policy p on notes using (tenant_id = (select nullif(current_setting('app.tenant_id', true), '')::uuid) and (current_setting('request.jwt.claims', true)::json -> 'app_metadata' ->> 'plan') = 'pro');`,
  },
})

describe('where every policy trusts the claim', () => {
  ruleCase('policy-user-claim', {
    proof: 'static',
    base: `create table tenants (id uuid primary key default gen_random_uuid(), name text);
    create table posts (id uuid primary key default gen_random_uuid(), tenant_id uuid not null references tenants (id), title text);
    alter table posts owner to {owner};
    alter table posts enable row level security, force row level security;
    grant select, insert, update, delete on posts to {app};`,
    object: 'public.posts',
    severity: 'high',
    fixMends: false,
    hole: `create policy p on posts using (tenant_id = (select (nullif(current_setting('request.jwt.claims', true), '')::jsonb -> 'user_metadata' ->> 'tenant_id')::uuid));`,
    repaired: `create policy p on posts using (tenant_id = (select (nullif(current_setting('request.jwt.claims', true), '')::jsonb -> 'app_metadata' ->> 'tenant_id')::uuid));`,
    nearMisses: {
      'the claim of the provider is at the top': `create policy p on posts using (tenant_id = (select (nullif(current_setting('request.jwt.claims', true), '')::jsonb ->> 'tenant_id')::uuid));`,
    },
  })
})
