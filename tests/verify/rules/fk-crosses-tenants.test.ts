import { describe, expect, it } from 'vitest'
import { HOLDING, ruleCase, withCase } from '../rule-case.ts'

ruleCase('fk-crosses-tenants', {
  hole: `create table projects (id uuid primary key default gen_random_uuid(), tenant_id uuid not null references tenants (id), name text); alter table projects owner to {owner}; alter table projects enable row level security, force row level security;
  create policy tenant_isolation on projects using (tenant_id = (select nullif(current_setting('app.tenant_id', true), '')::uuid));
  grant select, insert, update, delete on projects to {app}; create table tasks (id bigint generated always as identity primary key, tenant_id uuid not null references tenants (id), project_id uuid, body text, foreign key (project_id) references projects (id)); alter table tasks owner to {owner}; alter table tasks enable row level security, force row level security;
  create policy tenant_isolation on tasks using (tenant_id = (select nullif(current_setting('app.tenant_id', true), '')::uuid));
  grant select, insert, update, delete on tasks to {app};`,
  object: `public.tasks`,
  severity: 'high',
  repaired: `create table projects (id uuid primary key default gen_random_uuid(), tenant_id uuid not null references tenants (id), name text); alter table projects owner to {owner}; alter table projects enable row level security, force row level security;
  create policy tenant_isolation on projects using (tenant_id = (select nullif(current_setting('app.tenant_id', true), '')::uuid));
  grant select, insert, update, delete on projects to {app};alter table projects add unique (tenant_id, id); create table tasks (id bigint generated always as identity primary key, tenant_id uuid not null references tenants (id), project_id uuid, body text, foreign key (project_id, tenant_id) references projects (id, tenant_id)); alter table tasks owner to {owner}; alter table tasks enable row level security, force row level security;
  create policy tenant_isolation on tasks using (tenant_id = (select nullif(current_setting('app.tenant_id', true), '')::uuid));
  grant select, insert, update, delete on tasks to {app};`,
  nearMisses: {
    'a list for all': `create table countries (code text primary key); alter table countries owner to {owner}; grant select on countries to {app}; alter table documents add column country text references countries;`,
    'the policy asks for the parent': `create table projects (id uuid primary key default gen_random_uuid(), tenant_id uuid not null references tenants (id), name text); alter table projects owner to {owner}; alter table projects enable row level security, force row level security;
  create policy tenant_isolation on projects using (tenant_id = (select nullif(current_setting('app.tenant_id', true), '')::uuid));
  grant select, insert, update, delete on projects to {app}; create table tasks (id bigint generated always as identity primary key, tenant_id uuid not null references tenants (id), project_id uuid, body text, foreign key (project_id) references projects (id)); alter table tasks owner to {owner}; alter table tasks enable row level security, force row level security;
  create policy tenant_isolation on tasks using (tenant_id = (select nullif(current_setting('app.tenant_id', true), '')::uuid));
  grant select, insert, update, delete on tasks to {app}; drop policy tenant_isolation on tasks; create policy tenant_isolation on tasks using (tenant_id = (select nullif(current_setting('app.tenant_id', true), '')::uuid)) with check (tenant_id = (select nullif(current_setting('app.tenant_id', true), '')::uuid) and (project_id is null or exists (select from projects p where p.id = project_id)));`,
    'a trigger refuses it': `create table projects (id uuid primary key default gen_random_uuid(), tenant_id uuid not null references tenants (id), name text); alter table projects owner to {owner}; alter table projects enable row level security, force row level security;
  create policy tenant_isolation on projects using (tenant_id = (select nullif(current_setting('app.tenant_id', true), '')::uuid));
  grant select, insert, update, delete on projects to {app}; create table tasks (id bigint generated always as identity primary key, tenant_id uuid not null references tenants (id), project_id uuid, body text, foreign key (project_id) references projects (id)); alter table tasks owner to {owner}; alter table tasks enable row level security, force row level security;
  create policy tenant_isolation on tasks using (tenant_id = (select nullif(current_setting('app.tenant_id', true), '')::uuid));
  grant select, insert, update, delete on tasks to {app}; create function check_project() returns trigger language plpgsql set search_path = pg_catalog, pg_temp as $$ begin if new.project_id is not null and not exists (select from public.projects p where p.id = new.project_id and p.tenant_id = new.tenant_id) then raise exception 'no such project'; end if; return new; end $$; create trigger check_project before insert or update on tasks for each row execute function check_project();`,
  },
})

describe('fk-crosses-tenants: the fix', () => {
  const SHARES = `alter table documents add unique (id);
    create table document_shares (document_id uuid not null references documents (id), shared_with uuid not null references tenants (id), primary key (document_id, shared_with));
    alter table document_shares owner to {owner};
    alter table document_shares enable row level security, force row level security;
    create policy s on document_shares using (shared_with = (select nullif(current_setting('app.tenant_id', true), '')::uuid));
    grant select, insert on document_shares to {app};`

  it('is a decision where a row gives one tenant what another owns', async () => {
    await withCase([HOLDING, SHARES], async (verify) => {
      const found = (await verify({ mode: 'static' })).findings.find((each) => each.rule === 'fk-crosses-tenants')
      expect(found?.object).toBe('public.document_shares')
      expect(found?.fix.split('\n').every((line) => line.startsWith('--'))).toBe(true)
      expect(found?.fix).toContain('AS RESTRICTIVE FOR INSERT')
    })
  })

  it('can be run twice, with the other findings that ask for the same', async () => {
    const hole = `create table projects (id uuid primary key, tenant_id uuid not null references tenants (id));
      create table tasks (id uuid primary key, tenant_id uuid not null references tenants (id), project_id uuid not null references projects (id) on delete cascade);
      grant select, insert, delete on projects, tasks to {app};`
    await withCase([HOLDING, hole], async (verify, run) => {
      const report = await verify({ mode: 'static' })
      const fixes = report.findings.filter((each) => each.severity !== 'info').map((each) => each.fix)
      expect(report.findings.map((each) => each.rule)).toEqual(
        expect.arrayContaining(['fk-crosses-tenants', 'fk-cascade-crosses', 'rls-disabled', 'tenant-index-missing']),
      )
      for (const fix of [...fixes, ...fixes]) await run(fix)
    })
  })
})

describe('fk-crosses-tenants: what it says', () => {
  const tables = (action: string, column = 'uuid') => `
    create table projects (id uuid primary key default gen_random_uuid(), tenant_id uuid not null references tenants (id));
    create table tasks (id uuid primary key default gen_random_uuid(), tenant_id uuid not null references tenants (id), project_id ${column} references projects (id) ${action});
    alter table projects owner to {owner}; alter table projects enable row level security, force row level security;
    create policy own on projects using (tenant_id = (select nullif(current_setting('app.tenant_id', true), '')::uuid));
    alter table tasks owner to {owner}; alter table tasks enable row level security, force row level security;
    create policy own on tasks using (tenant_id = (select nullif(current_setting('app.tenant_id', true), '')::uuid));
    grant select, insert, update, delete on projects, tasks to {app};`
  const GUARD = (name: string) => `
    create function ${name}() returns trigger language plpgsql set search_path = pg_catalog, pg_temp as $$ begin return new; end $$;
    create trigger ${name} before insert or update on tasks for each row execute function ${name}();`
  const KEEPS = 'and keeps it from being deleted'

  it.each([
    ['', 'uuid', true],
    ['on delete restrict', 'uuid', true],
    ['on delete cascade', 'uuid', false],
    ['on delete set null', 'uuid', false],
    ['on delete set null', 'uuid not null', true],
    ['on delete set default', 'uuid', false],
  ])('says of a key %s on a column %s whether it keeps the row: %s', async (action, column, keeps) => {
    await withCase([HOLDING, tables(action, column)], async (verify, run) => {
      const { findings } = await verify({ mode: 'static' })
      const message = findings.find(({ rule }) => rule === 'fk-crosses-tenants')?.message ?? ''
      expect(message).toContain('shows that the row exists')
      expect(message.includes(KEEPS)).toBe(keeps)
      await run(`insert into tenants (id, name) values ('00000000-0000-4000-8000-00000000000a', 'a'), ('00000000-0000-4000-8000-00000000000b', 'b');
        insert into projects select id, id from tenants; insert into tasks (tenant_id, project_id) values ('00000000-0000-4000-8000-00000000000a', '00000000-0000-4000-8000-00000000000b')`)
      const deleted = await run(`delete from projects where id = '00000000-0000-4000-8000-00000000000b'`).then(
        () => true,
        () => false,
      )
      expect(deleted).toBe(!keeps)
    })
  })

  it('does not count the guard of partywall protect as a trigger that may check the reference', async () => {
    await withCase([HOLDING, tables(''), GUARD('partywall_enforce_tenant_id')], async (verify) => {
      const { findings } = await verify({ mode: 'static' })
      const found = findings.find(({ rule }) => rule === 'fk-crosses-tenants')
      expect(found?.evidence.join()).not.toContain('a trigger may check it')
    })
  })

  it('says that a trigger may check it only as long as no attack got past the trigger', async () => {
    await withCase([HOLDING, tables(''), GUARD('looks_away')], async (verify) => {
      const found = async (mode: 'static' | 'attack') =>
        (await verify({ mode })).findings.find(({ rule }) => rule === 'fk-crosses-tenants')
      expect((await found('static'))?.evidence).toContain('a trigger may check it')
      const attacked = await found('attack')
      expect(attacked?.proof).toBe('exploited')
      expect(attacked?.evidence).not.toContain('a trigger may check it')
    })
  })
})
