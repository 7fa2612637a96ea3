import { describe, expect, it } from 'vitest'
import { HOLDING, ruleCase, withCase } from '../rule-case.ts'

ruleCase('policy-wrong-column', {
  object: 'public.notes',
  severity: 'critical',
  hole: `create table notes (id uuid primary key default gen_random_uuid(), tenant_id uuid not null references tenants (id), owner_id uuid, note text);
    alter table notes owner to {owner};
    alter table notes enable row level security, force row level security;
    grant select, insert, update, delete on notes to {app};
    create policy p on notes using (owner_id = (select nullif(current_setting('app.tenant_id', true), '')::uuid));`,
  repaired: `create table notes (id uuid primary key default gen_random_uuid(), tenant_id uuid not null references tenants (id), owner_id uuid, note text);
    alter table notes owner to {owner};
    alter table notes enable row level security, force row level security;
    grant select, insert, update, delete on notes to {app};
    create policy p on notes using (tenant_id = (select nullif(current_setting('app.tenant_id', true), '')::uuid));`,
  nearMisses: {
    'both columns are compared': `create table notes (id uuid primary key default gen_random_uuid(), tenant_id uuid not null references tenants (id), owner_id uuid, note text);
    alter table notes owner to {owner};
    alter table notes enable row level security, force row level security;
    grant select, insert, update, delete on notes to {app};
    create policy p on notes using (tenant_id = (select nullif(current_setting('app.tenant_id', true), '')::uuid) and owner_id = (select nullif(current_setting('app.tenant_id', true), '')::uuid));`,
  },
})

const OWN = `tenant_id = (select nullif(current_setting('app.tenant_id', true), '')::uuid)`
const NAMED = `(select nullif(current_setting('app.tenant_id', true), '')::uuid) = any (shared_with)`
const BOARDS = (
  policies: string,
) => `create table boards (tenant_id uuid not null references tenants, id uuid not null default gen_random_uuid(), title text, shared_with uuid[] not null default '{}', primary key (tenant_id, id));
  alter table boards owner to {owner}; alter table boards enable row level security, force row level security; grant select, insert, update, delete on boards to {app}; ${policies}`

ruleCase('policy-wrong-column', {
  name: 'whoever a row is shared with may write it',
  object: 'public.boards',
  severity: 'critical',
  proof: 'static',
  hole: BOARDS(`create policy p on boards using (${OWN} or ${NAMED});`),
  repaired: BOARDS(`create policy p on boards using (${OWN});`),
  nearMisses: {},
})

describe('policy-wrong-column: rows that name a second reader', () => {
  it('is medium where only the owner writes them', async () => {
    const shared = BOARDS(
      `create policy p on boards using (${OWN}); create policy r on boards for select using (${NAMED});`,
    )
    await withCase([HOLDING, shared], async (verify) => {
      const { findings } = await verify({ mode: 'static' })
      const said = findings.filter((finding) => finding.object === 'public.boards' && finding.severity !== 'low')
      expect(said.map(({ rule, severity }) => `${rule} ${severity}`).filter((line) => !line.endsWith('info'))).toEqual([
        'policy-wrong-column medium',
      ])
    })
  })
})

const CONTEXT = `(select nullif(current_setting('app.tenant_id', true), '')::uuid)`
const PEOPLE = `create table people (tenant_id uuid not null references tenants (id), no int not null, name text, primary key (tenant_id, no));
  create table visits (tenant_id uuid not null, no int not null, at date not null, what text, primary key (tenant_id, no, at), foreign key (tenant_id, no) references people);
  alter table people owner to {owner}; alter table visits owner to {owner};
  alter table people enable row level security, force row level security; alter table visits enable row level security, force row level security;
  grant select, insert on people to {app}; grant select, insert, update, delete on visits to {app};
  create policy own on people using (tenant_id = ${CONTEXT});`

ruleCase('policy-wrong-column', {
  name: 'a number that each tenant counts by itself ties the row to its parent',
  object: 'public.visits',
  severity: 'critical',
  proof: 'static',
  hole: `${PEOPLE} create policy p on visits using (no in (select people.no from people));`,
  repaired: `${PEOPLE} create policy p on visits using ((tenant_id, no) in (select people.tenant_id, people.no from people));`,
  nearMisses: {
    'the number is unique over all': `${PEOPLE} alter table people add unique (no); create policy p on visits using (no in (select people.no from people) and tenant_id = ${CONTEXT});`,
    'the tenants are equal too': `${PEOPLE} create policy p on visits using (exists (select 1 from people where people.no = visits.no and people.tenant_id = visits.tenant_id));`,
  },
})
