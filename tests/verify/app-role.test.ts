import pg from 'pg'
import { describe, expect, inject, it } from 'vitest'
import { triedReport } from '../../cli/verify/tried-report.ts'
import { openThrowAwayServer } from '../../src/embedded/throw-away-server.ts'
import { verifyDatabase } from '../../src/verify/verify-database.ts'

const CLAIM = `(nullif(current_setting('request.jwt.claims', true), '')::jsonb -> 'app_metadata' ->> 'org_id')::uuid`
const SCHEMA = `
  create table orgs (id uuid primary key default gen_random_uuid(), name text not null);
  create table notes (org_id uuid not null references orgs, id uuid not null default gen_random_uuid(), body text, primary key (org_id, id));
  alter table orgs enable row level security, force row level security;
  alter table notes enable row level security, force row level security;
  create policy own on orgs for select to authenticated using (id = (select ${CLAIM}));
  create policy own on notes to authenticated using (org_id = (select ${CLAIM}));
  grant select on orgs to authenticated; grant select, insert, update, delete on notes to authenticated;
  grant all on orgs, notes to service_role;`

describe('the roles of a gateway', () => {
  it('acts as authenticated and anon, and leaves the gateway and what only operators use alone', async () => {
    await withRoles(async (run, url) => {
      await run(SCHEMA)
      const held = await verifyDatabase({ databaseUrl: url, mode: 'attack' })
      expect(held.summary.appRole).toBe('authenticated')
      expect(held.summary.actingRoles).toEqual(['authenticated', 'anon'])
      expect(held.findings.filter((finding) => !['info', 'low'].includes(finding.severity))).toEqual([])

      await run('create policy everybody on notes for select to anon using (true); grant select on notes to anon')
      const open = await verifyDatabase({ databaseUrl: url, mode: 'attack' })
      expect(open.findings.find((finding) => finding.rule === 'policy-role-wide')).toMatchObject({
        object: 'public.notes',
        proof: 'exploited',
      })
    })
  })

  it('are those as whom fixes are tried, and not the one role that stands in the report', async () => {
    await withRoles(async (run, url) => {
      await run(SCHEMA)
      await run(
        `create policy open on notes for select to anon using (org_id = (select ${CLAIM})); grant select on notes to anon`,
      )
      const report = await verifyDatabase({ databaseUrl: url, mode: 'static' })
      const [finding] = report.findings
      if (finding === undefined) throw new Error('there is no finding to stand in for')
      const fixes = ['REVOKE SELECT ON notes FROM anon;', 'CREATE INDEX ON notes (org_id);']
      const findings = fixes.map((fix) => ({ ...finding, key: `of:${fix}`, fix }))
      const tried = await triedReport(
        { ...report, findings },
        {
          copy: async () => ({ url, close: async () => {} }),
          appRole: undefined,
          schemas: undefined,
          tenantColumns: undefined,
          setting: undefined,
          all: true,
          onProgress: () => {},
        },
      )
      expect(tried.findings.map(({ fix }) => fix.split('\n')[0])).toEqual([
        expect.stringMatching(/^-- Not shown to be harmless: can do less .* SELECT on public\.notes as anon/),
        'CREATE INDEX ON notes (org_id);',
      ])
    })
  })

  it('acts as a login that has grants of its own', async () => {
    await withRoles(async (run, url) => {
      await run(SCHEMA)
      await run('grant select on notes to authenticator')
      const report = await verifyDatabase({ databaseUrl: url, mode: 'static' })
      expect(report.summary.appRole).toBe('authenticator')
      expect(report.findings.map((finding) => finding.rule)).toContain('role-can-become-privileged')
    })
  })

  it('acts as the one role that a file grants to, also where that role is a member of the owner', async () => {
    await withRoles(async (run, url) => {
      await run(`create table notes (org_id uuid not null, id uuid not null default gen_random_uuid(), primary key (org_id, id));
        alter table notes enable row level security, force row level security;
        create policy own on notes to authenticated using (org_id = (select nullif(current_setting('app.org_id', true), '')::uuid));
        alter table notes owner to anon; grant usage, create on schema public to anon;
        grant select, insert, update, delete on notes to authenticated;
        grant anon to authenticated; alter role authenticator nologin`)
      const report = await verifyDatabase({ databaseUrl: url, mode: 'static' })
      expect(report.summary.appRole).toBe('authenticated')
      expect(report.findings.map((finding) => finding.rule)).toContain('table-owned-by-app')
    })
  })
})

/** Roles belong to the server, and these have the names that the convention gives them: one test at a time makes them. */
async function withRoles(fn: (run: (sql: string) => Promise<void>, url: string) => Promise<void>): Promise<void> {
  const provided = inject('postgres')
  const server = await openThrowAwayServer(provided.url, { external: true, end: async () => {} })
  const database = await server.createDatabase()
  const client = new pg.Client({ connectionString: server.url(database) })
  client.on('error', () => {}) // the database is dropped under it when a test fails
  await client.connect()
  const names = ['authenticator', 'authenticated', 'anon', 'service_role']
  try {
    await client.query(`create role authenticated nologin; create role anon nologin; create role service_role nologin bypassrls;
      create role authenticator login noinherit; grant authenticated, anon, service_role to authenticator`)
    await fn(async (sql) => {
      await client.query(sql)
    }, server.url(database))
  } finally {
    await client.query(`drop owned by ${names.join(', ')} cascade`).catch(() => {})
    await client.query(`drop role if exists ${names.join(', ')}`).catch(() => {})
    await client.end()
    await server.dropDatabase(database)
  }
}
