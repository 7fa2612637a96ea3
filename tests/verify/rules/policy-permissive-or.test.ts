import { expect, it } from 'vitest'
import { HOLDING, ruleCase, withCase } from '../rule-case.ts'

ruleCase('policy-permissive-or', {
  object: 'public.notes',
  severity: 'critical',
  hole: `create table notes (id uuid primary key default gen_random_uuid(), tenant_id uuid not null references tenants (id), note text);
    alter table notes owner to {owner};
    alter table notes enable row level security, force row level security;
    grant select, insert, update, delete on notes to {app};
    create policy p on notes using (tenant_id = (select nullif(current_setting('app.tenant_id', true), '')::uuid)); create policy service_access on notes using (true);`,
  repaired: `create table notes (id uuid primary key default gen_random_uuid(), tenant_id uuid not null references tenants (id), note text);
    alter table notes owner to {owner};
    alter table notes enable row level security, force row level security;
    grant select, insert, update, delete on notes to {app};
    create policy p on notes using (tenant_id = (select nullif(current_setting('app.tenant_id', true), '')::uuid));`,
  nearMisses: {
    'the second policy is restrictive': `create table notes (id uuid primary key default gen_random_uuid(), tenant_id uuid not null references tenants (id), note text);
    alter table notes owner to {owner};
    alter table notes enable row level security, force row level security;
    grant select, insert, update, delete on notes to {app};
    create policy p on notes using (tenant_id = (select nullif(current_setting('app.tenant_id', true), '')::uuid)); create policy extra on notes as restrictive using (true);`,
    'the wide policy is for INSERT and the restriction covers it': `create table notes (id uuid primary key default gen_random_uuid(), tenant_id uuid not null references tenants (id), note text);
    alter table notes owner to {owner};
    alter table notes enable row level security, force row level security;
    grant select, insert, update, delete on notes to {app};
    create policy p on notes using (tenant_id = (select nullif(current_setting('app.tenant_id', true), '')::uuid)); create policy ins on notes for insert with check (true); create policy r on notes as restrictive using (tenant_id = (select nullif(current_setting('app.tenant_id', true), '')::uuid));`,
  },
})

const USERS = (policies: string) => `create table users (id uuid primary key default gen_random_uuid(), name text);
  create table members (tenant_id uuid not null references tenants (id), user_id uuid not null references users (id), primary key (tenant_id, user_id));
  alter table users owner to {owner}; alter table members owner to {owner};
  alter table members enable row level security, force row level security; alter table users enable row level security, force row level security;
  create policy here on members using (tenant_id = (select nullif(current_setting('app.tenant_id', true), '')::uuid));
  create policy of_tenant on users for select using (exists (select from members m where m.user_id = users.id));
  grant select on members, users to {app}; ${policies}`
const WIDE = 'create policy "log in" on users for select using (true);'

for (const test of ['true', 'id is not null', '1 = 1'])
  ruleCase('policy-permissive-or', {
    name: `beside a look-up, under a restriction to ${test}`,
    object: 'public.users',
    severity: 'critical',
    proof: 'static',
    hole: USERS(`${WIDE} create policy live on users as restrictive using (${test});`),
    repaired: USERS(`create policy live on users as restrictive using (${test});`),
    nearMisses: {
      'the restriction shows no row': USERS(`${WIDE} create policy live on users as restrictive using (false);`),
    },
  })

it('gives a fix beside a look-up that can be run again', async () => {
  await withCase([HOLDING, USERS(WIDE)], async (verify, run) => {
    const { findings } = await verify({ mode: 'static' })
    const fix = findings.find(({ rule }) => rule === 'policy-permissive-or')?.fix ?? ''
    expect(fix).toContain('DROP POLICY')
    await run(fix)
    await run(fix)
  })
})
