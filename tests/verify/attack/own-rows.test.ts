import { expect, it } from 'vitest'
import { withCase } from '../rule-case.ts'

const PERSON = `nullif(current_setting('app.person', true), '')::uuid`

it('finds that a member of one tenant makes itself a member of another, where no policy could be read', async () => {
  // Whoever may create functions where a policy looks names up may change what it says: nothing is proved of it.
  const schema = `
    create schema who; grant usage, create on schema who to {app};
    create function who.me() returns uuid language sql stable as $$ select coalesce(${PERSON}, null) $$;
    create table users (id uuid primary key);
    create table projects (id uuid primary key, name text);
    create table project_people (project_id uuid not null references projects (id), person uuid not null references users (id), primary key (project_id, person));
    create table project_notes (id uuid primary key default gen_random_uuid(), project_id uuid not null references projects (id), body text);
    alter table projects enable row level security; alter table project_people enable row level security; alter table project_notes enable row level security;
    grant select on projects to {app}; grant select, insert, delete on project_people to {app}; grant select on project_notes to {app};
    create policy p on project_people using (person = (select who.me()));
    create policy o on projects for select using (exists (select 1 from project_people m where m.project_id = projects.id and m.person = (select who.me())));
    create policy n on project_notes for select using (exists (select 1 from project_people m where m.project_id = project_notes.project_id and m.person = (select who.me())));`
  await withCase([schema], async (verify, run) => {
    const report = await verify()
    const people = report.tables.find(({ object }) => object === 'public.project_people')
    expect(people?.verbs.insert).toBe('leaks')
    expect(report.findings.flatMap(({ evidence }) => evidence).join('\n')).toContain(
      'tenant A: INSERT stored a row of its own user in tenant B',
    )
    await run('revoke insert on project_people from {app}')
    const mended = await verify()
    expect(mended.tables.find(({ object }) => object === 'public.project_people')?.verbs.insert).toBe('no-access')
    expect(mended.findings.filter(({ evidence }) => evidence.join().includes('of its own user'))).toEqual([])
  })
})
