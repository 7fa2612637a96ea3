import { beforeAll, describe, expect, it } from 'vitest'
import { createWatched, type Watched } from '../setup/watched.ts'

let watched: Watched
const run = (...sql: readonly string[]) => watched.database.admin(sql.join(';'))

beforeAll(async () => {
  watched = await createWatched({}, async (database) => {
    await database.admin(`
      create table public.events (tenant_id uuid not null, at date not null) partition by range (at);
      alter table public.events enable row level security, force row level security;
      create policy isolation on public.events using (tenant_id = (select nullif(current_setting('app.current_tenant_id', true), '')::uuid));
      create policy seal on public.events as restrictive to tenant_user, tenant_admin using (tenant_id = (select partywall.tenant_id()::uuid));
      grant select on public.events to tenant_user;
      create table public.lines (document_id uuid not null, note text);
      alter table public.lines enable row level security, force row level security;
      create policy of_document on public.lines using (exists (select from public.documents d where d.id = document_id));
      grant select on public.lines to tenant_user`)
    return undefined
  })
})

describe('tables that lose their protection while the application runs', () => {
  it.each([
    [
      'row security disabled',
      ['alter table public.documents disable row level security'],
      ['alter table public.documents enable row level security'],
      'documents',
    ],
    [
      'row security not forced',
      ['alter table public.documents no force row level security'],
      ['alter table public.documents force row level security'],
      'documents',
    ],
    [
      'row security disabled on a table that follows its parent and has no tenant column',
      ['alter table public.lines disable row level security'],
      ['alter table public.lines enable row level security'],
      'lines',
    ],
    [
      'such a table that gets another name on the way',
      [
        'begin',
        'alter table public.lines disable row level security',
        'alter table public.lines rename to rows',
        'commit',
      ],
      [
        'begin',
        'alter table public.rows rename to lines',
        'alter table public.lines enable row level security',
        'commit',
      ],
      'rows',
    ],
    [
      'a new table with a tenant column and no wall',
      ['create table public.loose (tenant_id uuid)', 'grant select on public.loose to tenant_user'],
      ['drop table public.loose'],
      'loose',
    ],
    [
      'a tenant column that a table without a wall gets',
      [
        'create table public.late (id int)',
        'grant select on public.late to tenant_user',
        'alter table public.late add column tenant_id uuid',
      ],
      ['drop table public.late'],
      'late',
    ],
    [
      'a right on one column of a table without a wall',
      ['create table public.narrow (tenant_id uuid, note text)', 'grant select (note) on public.narrow to tenant_user'],
      ['drop table public.narrow'],
      'narrow',
    ],
    [
      'a partition without row security that can be named directly',
      [
        "create table public.events_1 partition of public.events for values from ('2026-01-01') to ('2026-02-01')",
        'grant select on public.events_1 to tenant_user',
      ],
      ['drop table public.events_1'],
      'events_1',
    ],
    [
      'a table that is attached as a partition and can be named directly',
      [
        'create table public.events_2 (like public.events)',
        'grant select on public.events_2 to tenant_user',
        "alter table public.events attach partition public.events_2 for values from ('2026-02-01') to ('2026-03-01')",
      ],
      ['drop table public.events_2'],
      'events_2',
    ],
    [
      'a parent without tenant column or policies',
      [
        'create table public.all_titles (title text)',
        'grant select on public.all_titles to tenant_user',
        'alter table public.documents inherit public.all_titles',
      ],
      ['alter table public.documents no inherit public.all_titles', 'drop table public.all_titles'],
      'all_titles',
    ],
    [
      'a renamed table whose copy has no tenant column',
      [
        'begin',
        'alter table public.users rename to users_walled',
        'create table public.users as select id, email, name from public.users_walled',
        'grant select on public.users to tenant_user',
        'commit',
      ],
      ['begin', 'drop table public.users', 'alter table public.users_walled rename to users', 'commit'],
      'public.users',
    ],
    [
      'a table of the same name in another schema',
      [
        'create schema shadow',
        'grant usage on schema shadow to tenant_user',
        'create table shadow.documents as select title from public.documents',
        'grant select on shadow.documents to tenant_user',
      ],
      ['drop schema shadow cascade'],
      'shadow.documents',
    ],
    [
      'a renamed tenant column behind a policy that shows all',
      [
        'begin',
        'alter table public.users rename column tenant_id to org_id',
        'drop policy tenant_seal_policy on public.users',
        'create policy open on public.users using (true)',
        'commit',
      ],
      [
        'begin',
        'drop policy open on public.users',
        'alter table public.users rename column org_id to tenant_id',
        'create policy tenant_seal_policy on public.users as restrictive for all to tenant_user, tenant_admin using (tenant_id = (select partywall.tenant_id()::uuid)) with check (tenant_id = (select partywall.tenant_id()::uuid))',
        'commit',
      ],
      'open on public.users',
    ],
  ])('are noticed: %s', async (_change, change, undo, object) => {
    await run(...change)
    await watched.lost(object)
    await run(...undo)
    await watched.back()
  })

  it('are accepted where a partition can be reached through its parent alone', async () => {
    await run(
      "create table public.events_3 partition of public.events for values from ('2026-03-01') to ('2026-04-01')",
    )
    await watched.accepted(/relation public\.events_3/)
  })

  it('are accepted where nobody of the application may read them', async () => {
    await run('create table public.staging (tenant_id uuid)')
    await watched.accepted(/relation public\.staging/)
  })
})

describe('views on tenant tables', () => {
  it.each([
    ['a view that a superuser owns', 'create view public.v as select title from public.documents'],
    ['a materialized view', 'create materialized view public.v as select title from public.documents'],
    [
      'a view of the tables’ owner, whom no seal binds',
      'create view public.v as select title from public.documents; alter view public.v owner to app_owner',
    ],
    [
      'a view with its caller’s rights on a view with its owner’s',
      'create view public.w as select title from public.documents; create view public.v with (security_invoker = true) as select title from public.w',
    ],
  ])('are noticed: %s', async (_kind, create) => {
    await run(create, 'grant select on public.v to tenant_user')
    await watched.lost('public.v')
    const { rows } = await run("select relkind from pg_class where oid = 'public.v'::regclass")
    await run(`drop ${rows[0].relkind === 'm' ? 'materialized view' : 'view'} public.v`, 'drop view if exists public.w')
    await watched.back()
  })

  it('are accepted with their caller’s rights, and noticed when they lose that', async () => {
    await run(
      'create view public.safe with (security_invoker = true) as select title from public.documents',
      'grant select on public.safe to tenant_user',
    )
    await watched.accepted(/relation public\.safe/)
    await run('alter view public.safe reset (security_invoker)')
    await watched.lost('public.safe')
    await run('drop view public.safe')
    await watched.back()
    expect(await watched.titles()).toEqual(['First document'])
  })
})
