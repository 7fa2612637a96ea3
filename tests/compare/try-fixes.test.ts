import pg from 'pg'
import { beforeAll, describe, expect, it } from 'vitest'
import { Trial } from '../../src/compare/trial.ts'
import { triedFixes, tryFix } from '../../src/compare/try-fixes.ts'
import { loadParser } from '../../src/sql/parser.ts'
import { type OpenCase, openCase } from '../verify/rule-case.ts'

const JOTS = `create schema auth; create table auth.users (id uuid primary key default gen_random_uuid());
  create function auth.uid() returns uuid language sql stable as $$ select coalesce(nullif(current_setting('request.jwt.claim.sub', true), ''), (nullif(current_setting('request.jwt.claims', true), '')::jsonb ->> 'sub'))::uuid $$;
  grant usage on schema auth, public to {requests}; grant {requests} to {app};
  create table jots (id uuid primary key default gen_random_uuid(), owner_id uuid not null references auth.users (id), body text);
  create index on jots (owner_id); alter table jots enable row level security; grant select, insert, update, delete on jots to {requests};
  create policy mine on jots for all to {requests} using (auth.uid() = owner_id) with check (auth.uid() = owner_id);`

const DIARY = `create table practices (id int primary key); create table diary (id int primary key, practice_id int not null references practices (id), doctor_id int not null);
  create index on diary (practice_id); grant select, insert, update, delete on diary to {app}; grant usage on schema public to {helper}; alter table diary enable row level security;
  create policy own on diary to {app} using (practice_id = nullif(current_setting('app.practice', true), '')::int and doctor_id = nullif(current_setting('app.doctor', true), '')::int);`

async function inCase(schema: string, work: (opened: OpenCase, client: pg.Client) => Promise<void>): Promise<void> {
  const opened = await openCase([schema])
  const client = new pg.Client({ connectionString: opened.url })
  await client.connect()
  try {
    await work(opened, client)
  } finally {
    await client.end()
    await opened.close()
  }
}

const tried = (schema: string, fix: string) => {
  let verdict: unknown
  return inCase(schema, async (opened, client) => {
    const trial = await Trial.open(client, { appRole: opened.role('app') })
    verdict = await tryFix(trial, { key: 'of:a test', fix: fix.replaceAll('{app}', opened.role('app')) })
    await trial.close()
    // Nothing of it stays.
    expect((await client.query("select from pg_policy where polname in ('w', 'r', 'n')")).rowCount).toBe(0)
  }).then(() => verdict)
}

beforeAll(() => loadParser())

describe('a fix that is tried', () => {
  it.each([
    [
      'a policy that opens rows of another user of the tenant',
      `create policy w on diary using (practice_id = current_setting('app.practice', true)::int)`,
      /can do more: SELECT/,
    ],
    [
      'a policy that opens rows of another tenant',
      'create policy w on diary for select using (true)',
      /can do more: SELECT/,
    ],
    [
      'a policy that takes a row from its user',
      'create policy n on diary as restrictive using (false)',
      /can do less inside its own tenant/,
    ],
    ['a right that is taken', 'revoke update on diary from {app}', /can do less .*UPDATE/],
    [
      'a right on a column that is taken',
      'revoke select on diary from {app}; grant select (id, practice_id) on diary to {app}',
      /can do less .*SELECT \(doctor_id\)/,
    ],
    [
      'a policy that calls itself',
      'create policy r on diary using (exists (select from diary d where d.id = diary.id))',
      /error 42P17/,
    ],
    [
      'a policy that ends in an error',
      'create policy n on diary as restrictive using (1 / (id - id) = 1)',
      /error 22012/,
    ],
    [
      'what the server does not take',
      'alter table nowhere enable row level security',
      /the server refuses it: .*nowhere/,
    ],
    [
      'a finding of its own',
      'create function w() returns setof diary language sql security definer as $$ select * from diary $$',
      /it causes a new finding/,
    ],
  ])('is not printed as a statement: %s', async (_name, fix, reason) => {
    expect(await tried(DIARY, fix)).toEqual({ harmless: false, reason: expect.stringMatching(reason) })
  })

  it.each([
    ['alter function f() security invoker', /a trial calls no function/],
    ['revoke execute on function f() from public', /a trial calls no function/],
    ['revoke {helper} from {app}', /does not act as every role/],
    ['alter role {app} noinherit', /does not act as every role/],
    ['alter default privileges in schema public revoke all on tables from {app}', /tables created later/],
    ['drop trigger t on diary', /was not tried/],
    ['alter table diary drop constraint k, add constraint k unique (practice_id, id)', /ON CONFLICT on the old key/],
  ])('is not printed as a statement where no trial sees its effect: %s', async (fix, reason) => {
    expect(await tried(DIARY, fix)).toEqual({ harmless: false, reason: expect.stringMatching(reason) })
  })

  it('is not printed as a statement where the table that it changes could not be given a row', async () => {
    const schema = `${DIARY} create table locked (id int primary key, practice_id int not null references practices (id), check (id < practice_id and id > practice_id));
      grant select on locked to {app}; alter table locked enable row level security;`
    expect(await tried(schema, 'create policy n on locked using (true)')).toEqual({
      harmless: false,
      reason: expect.stringMatching(/locked could not be given a row/),
    })
    expect(await tried(schema, 'create index on locked (practice_id)')).toEqual({ harmless: true })
  })

  it('is not printed as a statement where no session reached a row before', async () => {
    const schema = DIARY.replace('using (', 'using (1 = 2 and ')
    expect(await tried(schema, 'alter table diary force row level security')).toEqual({
      harmless: false,
      reason: expect.stringMatching(/no session of the application reached any row/),
    })
    expect(await tried(schema, 'create index on diary (doctor_id)')).toEqual({ harmless: true })
    // The owner of a table, which no policy holds, is no session of the application.
    const owned = `${schema} alter table diary owner to {owner}`
    expect(await tried(owned, 'alter policy own on diary using (false)')).toEqual({
      harmless: false,
      reason: expect.stringMatching(/no session of the application reached any row/),
    })
  })

  it('is not printed as a statement where nobody made use of what the policies of its table allow', async () => {
    const schema = `${DIARY} create table memo (id int primary key, practice_id int not null references practices (id), code text); grant select on memo to {app}; alter table memo enable row level security;
      create policy own on memo for select to {app} using (practice_id = nullif(current_setting('app.practice', true), '')::int and code = current_setting('app.code', true) and code like 'x-%');`
    expect(await tried(schema, 'alter policy own on memo using (false)')).toEqual({
      harmless: false,
      reason: expect.stringMatching(/nobody could SELECT on public.memo/),
    })
  })

  it('is not printed as a statement where it hides rows that their own value shares', async () => {
    const schema = `${DIARY} alter table diary add column kind text not null default 'own'; create policy shared on diary for select to {app} using (kind <> 'own');`
    expect(await tried(schema, `alter policy shared on diary using (kind <> 'own' and practice_id = 1)`)).toEqual({
      harmless: false,
      reason: expect.stringMatching(/only you can say whether they are shared on purpose/),
    })
  })

  it('is not printed as a statement where nobody could found a tenant any more', async () => {
    const schema = `${DIARY} alter table practices enable row level security; grant select, insert on practices to {app};
      create policy found on practices for insert to {app} with check (true); create policy look on practices for select to {app} using (true);`
    const own = `id = nullif(current_setting('app.practice', true), '')::int`
    for (const fix of [
      `create policy n on practices as restrictive for insert with check (${own})`,
      `alter policy look on practices using (${own})`,
    ])
      expect(await tried(schema, fix)).toEqual({
        harmless: false,
        reason: expect.stringMatching(/INSERT on public.practices \(a new tenant/),
      })
  })

  it('is not printed as a statement where policies would hold a role that nobody acts as', async () => {
    const schema = `${DIARY} create table memo (id int primary key, practice_id int not null references practices (id)); grant select on memo to {app}, {helper};`
    const fix = `create policy n on memo using (practice_id = nullif(current_setting('app.practice', true), '')::int); alter table memo enable row level security, force row level security`
    expect(await tried(schema, fix)).toEqual({
      harmless: false,
      reason: expect.stringMatching(/^case_helper_\w+ has rights on public.memo too, and no trial acts as it$/),
    })
    expect(await tried(schema.replace(', {helper};', ';'), fix)).toEqual({ harmless: true })
  })

  it('is not printed as a statement where it narrows what such a role sees behind policies', async () => {
    const own = `practice_id = nullif(current_setting('app.practice', true), '')::int`
    const schema = `${DIARY} create table memo (id int primary key, practice_id int not null references practices (id)); grant select on memo to {app}, {helper};
      alter table memo enable row level security; create policy own on memo to {app} using (${own}); create policy theirs on memo to {helper} using (current_setting('app.key', true) = 'k');`
    const unseen = { harmless: false, reason: expect.stringMatching(/^case_helper_\w+ has rights on public.memo too/) }
    expect(await tried(schema, `create policy n on memo as restrictive using (${own})`)).toEqual(unseen)
    expect(await tried(schema, 'alter policy theirs on memo using (false)')).toEqual(unseen)
    expect(await tried(schema, `create policy n on memo as restrictive to {app} using (${own})`)).toEqual({
      harmless: true,
    })
  })

  it('is not printed as a statement where the policies decide by the user and never asked for the tenant', async () => {
    const own = `practice_id = nullif(current_setting('app.practice', true), '')::int`
    const mine = `owner_id = nullif(current_setting('app.doctor', true), '')::int`
    const schema = `${DIARY} create table memo (id int primary key, owner_id int not null, practice_id int references practices (id)); grant select, insert, update, delete on memo to {app};
      alter table memo enable row level security; create policy mine on memo to {app} using (${mine});`
    const unseen = { harmless: false, reason: expect.stringMatching(/test owner_id and never practice_id/) }
    expect(await tried(schema, `alter policy mine on memo using (${mine} and ${own})`)).toEqual(unseen)
    expect(await tried(schema, `create policy n on memo as restrictive using (${own})`)).toEqual(unseen)
  })

  it('takes signals from PUBLIC only where no code of the database sends any', async () => {
    const fix = 'revoke execute on function pg_catalog.pg_cancel_backend(integer) from public'
    const code = `create function stop() returns void language plpgsql as $$ begin perform pg_cancel_backend(1); end $$;`
    expect(await tried(DIARY, fix)).toEqual({ harmless: true })
    expect(await tried(`${DIARY} ${code}`, fix)).toEqual({
      harmless: false,
      reason: expect.stringMatching(/a trial calls no function/),
    })
  })

  it('is printed where nobody notices anything', async () => {
    expect(
      await tried(DIARY, 'alter table diary add column note text; create index concurrently on diary (doctor_id)'),
    ).toEqual({ harmless: true })
  })

  it('keeps the call that the policy has, so that its users see their rows as before', async () => {
    await inCase(JOTS, async (opened, client) => {
      await client.query(`insert into auth.users values ('00000000-0000-4000-8000-000000000001'), ('00000000-0000-4000-8000-000000000002');
        insert into jots (owner_id, body) select id, 'x' from auth.users`)
      const report = await opened.verify({ mode: 'static' })
      const fix = report.findings.find((finding) => finding.rule === 'policy-per-row')?.fix ?? ''
      expect(fix).toContain('(select auth.uid())')
      expect(fix).not.toContain('current_setting')
      await client.query(fix)
      await client.query(
        `begin; set local role ${opened.role('requests')}; select set_config('request.jwt.claims', '{"sub": "00000000-0000-4000-8000-000000000001"}', true)`,
      )
      expect((await client.query('select from jots')).rowCount).toBe(1)
      expect(
        (await client.query(`insert into jots (owner_id) values ('00000000-0000-4000-8000-000000000001')`)).rowCount,
      ).toBe(1)
      await client.query('rollback')
    })
  })

  it('becomes a comment with the reason, as does a second change of one policy', async () => {
    await inCase(DIARY, async (opened, client) => {
      const trial = await Trial.open(client, { appRole: opened.role('app') })
      const narrow = `ALTER POLICY own ON public.diary USING (practice_id = nullif(current_setting('app.practice', true), '')::int and doctor_id = nullif(current_setting('app.doctor', true), '')::int);`
      const findings = [
        { key: 'a', fix: 'drop policy own on diary;' },
        { key: 'b', fix: narrow },
        { key: 'c', fix: narrow.replace('::int)', '::integer)') },
        { key: 'd', fix: '-- Decide this.' },
      ]
      const told = await triedFixes(trial, findings)
      expect(told.map(({ fix }) => fix.split('\n')[0])).toEqual([
        expect.stringMatching(/^-- Not shown to be harmless: can do less/),
        narrow,
        expect.stringMatching(/^-- Not shown to be harmless: another fix changes this policy too/),
        '-- Decide this.',
      ])
      const none = await triedFixes(trial, findings, { budgetMs: -1 })
      expect(none.filter(({ fix }) => /^[^-]/.test(fix))).toEqual([])
      await trial.close()
    })
  })

  it('is kept out where it is harmless alone and not with the others', async () => {
    await inCase(DIARY, async (opened, client) => {
      const trial = await Trial.open(client, { appRole: opened.role('app') })
      const app = opened.role('app')
      // The first makes a role that sees all, the second lets the application be it.
      const told = await triedFixes(trial, [
        { key: 'a', fix: `create policy w on diary for select to ${opened.role('helper')} using (true);` },
        { key: 'b', fix: `grant ${opened.role('helper')} to ${app};` },
      ])
      expect(told[0]?.fix).toMatch(/^create policy/)
      expect(told[1]?.fix).toMatch(/^-- Not shown to be harmless: together with the fixes above: /)
      await trial.close()
    })
  })
})
