import pg from 'pg'
import { describe, expect, it } from 'vitest'
import type { Finding, Verdict, VerifyReport } from '../../../src/verify/index.ts'
import { exitCodeOf } from '../../../src/verify/report/report-counts.ts'
import { verifyDatabase } from '../../../src/verify/verify-database.ts'
import { firstRun, loadSql } from '../first-run.ts'

const loud = (findings: readonly Finding[]) =>
  findings
    .filter(({ severity }) => severity !== 'info' && severity !== 'low')
    .map(({ rule, object }) => `${rule} ${object}`)
const verbsOf = (report: VerifyReport, object: string): readonly (Verdict | undefined)[] => {
  const table = report.tables.find((each) => each.object === object)
  return ['select', 'insert', 'update', 'delete'].map(
    (verb) => Object.entries(table?.verbs ?? {}).find(([name]) => name === verb)?.[1],
  )
}

const PEOPLE = `
  create table clubs (id uuid primary key default gen_random_uuid(), label text);
  create table club_people (club_id uuid not null references clubs (id), person uuid not null references auth.users (id), primary key (club_id, person));
  create table club_notes (id uuid primary key default gen_random_uuid(), club_id uuid not null references clubs (id), body text);
  alter table clubs enable row level security; alter table club_people enable row level security; alter table club_notes enable row level security;`

describe('proved needs a control that was seen working', () => {
  it('calls nothing proved that nobody can reach, and ends with 2', () =>
    firstRun(
      `create role app login; create table firms (id int primary key); create table notes (id int primary key, firm_id int not null references firms (id));`,
      async (report) => {
        expect(report.summary.reachable).toBe(false)
        expect(report.summary.counts.verdicts).toMatchObject({ proved: 0, 'no-access': 8 })
        expect(exitCodeOf(report)).toBe(2)
      },
    ))

  it('tells policies that ask for each other, and proves nothing behind them', () =>
    firstRun(
      `${PEOPLE}
       create policy c on clubs for select using (id in (select club_id from club_people where person = auth.uid()));
       create policy p on club_people for select using (club_id in (select club_id from club_people where person = auth.uid()));
       create policy n on club_notes using (club_id in (select club_id from club_people where person = auth.uid()));`,
      async (report) => {
        expect(loud(report.findings)).toEqual(['policy-recursion public.club_people'])
        expect(verbsOf(report, 'public.club_notes')).toEqual(['unproved', 'unproved', 'unproved', 'unproved'])
        expect(report.summary.counts.verdicts.proved).toBe(0)
        expect(exitCodeOf(report)).toBe(1)
      },
    ))

  it('proves nothing of policies on a setting that today’s gateways do not set', () =>
    firstRun(
      `create table jots (id uuid primary key default gen_random_uuid(), owner_id uuid not null references auth.users (id), body text);
       create index on jots (owner_id); alter table jots enable row level security;
       create policy mine on jots to authenticated using (owner_id = (select nullif(current_setting('request.jwt.claim.sub', true), '')::uuid));`,
      async (report) => {
        expect(loud(report.findings)).toContain('policy-setting-mismatch public.jots')
        expect(verbsOf(report, 'public.jots')).not.toContain('proved')
        expect(exitCodeOf(report)).toBe(1)
      },
    ))

  it('proves nothing where a function sets another setting than the policies read', () =>
    firstRun(
      `create role app login; create table firms (id int primary key);
       create table notes (id int primary key, firm_id int not null references firms (id), body text); create index on notes (firm_id);
       alter table notes enable row level security; grant select, insert on notes to app;
       create function set_firm(firm int) returns void language sql as $$ select set_config('app.firm_id', firm::text, true) $$;
       create policy p on notes using (firm_id = (select nullif(current_setting('app.current_firm', true), '')::int));`,
      async (report) => {
        expect(verbsOf(report, 'public.notes')).not.toContain('proved')
        expect(exitCodeOf(report)).toBe(1)
      },
    ))

  it('gives fixes that keep the call by which policies ask who the session is', () =>
    firstRun(
      `create table jots (id uuid primary key default gen_random_uuid(), owner_id uuid not null references auth.users (id), body text);
       create index on jots (owner_id); alter table jots enable row level security;
       create policy mine on jots to authenticated using (auth.uid() = owner_id);`,
      async (report, source) => {
        const fixes = report.findings.map(({ fix }) => fix).filter((fix) => fix.includes('POLICY'))
        expect(fixes.join('\n')).toContain('(select auth.uid())')
        expect(fixes.join('\n')).not.toContain('request.jwt')
        const client = new pg.Client({ connectionString: source.url })
        await client.connect()
        try {
          for (const fix of fixes) await client.query(fix)
        } finally {
          await client.end()
        }
        const mended = await verifyDatabase({ databaseUrl: source.url, mode: 'attack' })
        expect(verbsOf(mended, 'public.jots')).toEqual(['proved', 'proved', 'proved', 'proved'])
      },
    ))
})

describe('the right tenant, context and attacker', () => {
  it('takes the club for the tenant and not the person, whatever the columns are called', () =>
    firstRun(
      `${PEOPLE}
       create policy c on clubs for select using (auth.uid() in (select person from club_people where club_id = clubs.id));
       create policy p on club_people for select using (auth.uid() = person);
       alter table club_notes disable row level security;`,
      async (report) => {
        expect(report.summary.tenantColumns).toEqual(['club_id'])
        expect(loud(report.findings)).toEqual(['rls-disabled public.club_notes'])
        expect(verbsOf(report, 'public.clubs')[0]).toBe('proved')
      },
    ))

  it('looks at machines with a setting of their own, beside people', () =>
    firstRun(
      `create role robot nologin; ${PEOPLE}
       grant usage on schema public to robot; grant select, insert, update, delete on club_people, club_notes to robot;
       create policy c on clubs for select to authenticated using (exists (select 1 from club_people p where p.club_id = clubs.id and p.person = (select auth.uid())));
       create policy p on club_people for all to authenticated using (person = (select auth.uid()));
       create policy r on club_people for all to robot using (club_id = nullif(current_setting('request.robot.club', true), '')::uuid);
       create policy n on club_notes for all to authenticated using (exists (select 1 from club_people p where p.club_id = club_notes.club_id and p.person = (select auth.uid())));
       create policy nr on club_notes for all to robot using (club_id = nullif(current_setting('request.robot.club', true), '')::uuid);`,
      async (report) => {
        expect(report.summary.actingRoles).toEqual(['authenticated', 'anon', 'robot'])
        // The hole is one: whoever is logged in makes herself a member.
        expect(
          new Set(
            report.findings.filter((f) => f.severity === 'critical' || f.severity === 'high').map((f) => f.object),
          ),
        ).toEqual(new Set(['public.club_people']))
      },
    ))

  it('attacks as the login that policies may ask for', () =>
    firstRun(
      `create role shopapp login; create table shops (id int primary key); create table receipts (id int primary key, shop_id int not null references shops (id));
       create index on receipts (shop_id); grant select, insert, update, delete on receipts to shopapp; alter table receipts enable row level security;
       create function may_see(s int) returns boolean language plpgsql stable set search_path = pg_catalog, pg_temp as $$
         begin if session_user = 'postgres' then return true; end if; return s = nullif(current_setting('app.shop_id', true), '')::int; end $$;
       create policy p on receipts using (may_see(shop_id)) with check (may_see(shop_id));`,
      async (report) => {
        expect(loud(report.findings)).toEqual([])
        expect(verbsOf(report, 'public.receipts').every((verdict) => verdict === 'proved' || verdict === 'held')).toBe(
          true,
        )
      },
    ))
})

describe('a first run on somebody else’s schema', () => {
  it('stands in for the types of extensions that the server lacks, and says so', () =>
    firstRun(
      `create extension if not exists vector; create role app login; create table firms (id uuid primary key);
       create table notes (id uuid primary key, firm_id uuid not null references firms (id), meaning vector(384));
       create index on notes using hnsw (meaning vector_cosine_ops); grant select on notes to app;`,
      async (report, source) => {
        expect(loud(report.findings)).toEqual(['rls-disabled public.notes'])
        expect(source.gaps.join('\n')).toContain('extension vector')
      },
    ))

  it('names an extension that nothing stands in for, when its type is missed', async () => {
    const error = await firstRun(
      `create extension timescale_of_tomorrow; create table notes (id int, kind tomorrow_type);`,
      async () => undefined,
    ).catch((reason: unknown) => reason)
    expect(String(error)).toContain('timescale_of_tomorrow')
    expect(String(error)).toContain('PARTYWALL_POSTGRES_URL')
  })

  it('fills the placeholders of psql and graphile-migrate, and names those of other tools', async () => {
    await firstRun(
      `create table firms (id int primary key); create table notes (id int primary key, firm_id int references firms (id));
       grant select on notes to :DATABASE_VISITOR;`,
      async (report, source) => {
        expect(report.summary.appRole).toBe('database_visitor')
        expect(source.notes.join('\n')).toContain(':DATABASE_VISITOR')
      },
    )
    const error = await firstRun(`create table \${schema}.notes (id int)`, async () => undefined).catch(
      (reason: unknown) => reason,
    )
    expect(String(error)).toContain('Flyway')
  })

  it('makes a login with the usual grants where no file names one', async () => {
    const source = await loadSql(
      'create table teams (id int primary key); create table notes (id int primary key, team_id int not null references teams (id));',
    )
    try {
      const appRole = (await source.makeAppRole?.())?.name
      const report = await verifyDatabase({ databaseUrl: source.url, appRole, mode: 'attack' })
      expect(loud(report.findings)).toContain('rls-disabled public.notes')
    } finally {
      await source.close()
    }
  })

  it('lists tables in reach without a wall, with the reason', () =>
    firstRun(
      `create role app login; create table firms (id int primary key); create table notes (id int primary key, firm_id int not null references firms (id));
       create index on notes (firm_id); alter table notes enable row level security; create policy p on notes using (firm_id = (select nullif(current_setting('app.firm', true), '')::int));
       create table users (id int primary key, password_hash text); grant select on notes, users to app;`,
      async (report) => {
        expect(report.unwalled.map(({ object }) => object)).toEqual(['public.users'])
        expect(loud(report.findings)).toEqual(['unwalled-secrets public.users'])
      },
    ))
})
