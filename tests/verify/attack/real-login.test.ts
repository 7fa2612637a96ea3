import pg from 'pg'
import { describe, expect, it } from 'vitest'
import type { Verdict, VerifyReport } from '../../../src/verify/index.ts'
import { verifyDatabase } from '../../../src/verify/verify-database.ts'
import { firstRun } from '../first-run.ts'
import { type OpenCase, openCase } from '../rule-case.ts'

const OWN = `tenant_id = (select nullif(current_setting('app.tenant_id', true), '')::uuid)`

/** One table, whose policy may ask who logged in. */
const notes = (policy: string) => `
  create table tenants (id uuid primary key);
  create table notes (id int primary key, tenant_id uuid not null references tenants (id), body text);
  create index on notes (tenant_id);
  alter table notes enable row level security, force row level security;
  grant select, insert, update, delete on notes to {app};
  create policy p on notes using (${policy});`

const asPaper = (sql: string) => `create role paperapp login; ${sql.replaceAll('{app}', 'paperapp')}`

const opened = async (sql: string, fn: (schema: OpenCase) => Promise<void>) => {
  const schema = await openCase([sql])
  try {
    await fn(schema)
  } finally {
    await schema.close()
  }
}

const verbsOf = (report: VerifyReport): readonly (Verdict | undefined)[] =>
  Object.values(report.tables.find((table) => table.object === 'public.notes')?.verbs ?? {})
const reasonOf = (report: VerifyReport) =>
  report.tables.find((table) => table.object === 'public.notes')?.reasons.select ?? ''
const loud = (report: VerifyReport) =>
  report.findings.filter(({ severity }) => severity === 'critical' || severity === 'high')

/** A login with a password, as `--app-url` names it. */
async function appUrl(schema: OpenCase): Promise<string> {
  await schema.run(`alter role {app} password 'of the test'`)
  const url = new URL(schema.url)
  url.username = schema.role('app')
  url.password = encodeURIComponent('of the test')
  return url.href
}

describe('policies that ask who logged in', () => {
  it('are found to let the application’s own connection through, which no other session shows', () =>
    firstRun(
      asPaper(notes(`${OWN} or (select usename from pg_stat_activity where pid = pg_backend_pid()) = 'paperapp'`)),
      async (report) => {
        expect(verbsOf(report)).toEqual(['leaks', 'leaks', 'leaks', 'leaks'])
        const evidence = loud(report).flatMap((finding) => finding.evidence)
        expect(evidence.some((line) => line.startsWith('logged in as paperapp, tenant A: SELECT'))).toBe(true)
        expect(report.summary.internalErrors).toEqual([])
      },
    ))

  it('are unreliable where the application’s own connection does not see its rows', () =>
    firstRun(
      asPaper(notes(`${OWN} and (select usename from pg_stat_activity where pid = pg_backend_pid()) <> 'paperapp'`)),
      async (report) => {
        expect(verbsOf(report)).toEqual(['unreliable', 'unreliable', 'unreliable', 'unreliable'])
        expect(reasonOf(report)).toContain('logged in as paperapp, tenant B could not select')
      },
    ))

  it('are unproved without --app-url, with the flag that helps', () =>
    opened(notes(`${OWN} and session_user <> 'nobody'`), async (schema) => {
      const report = await schema.verify()
      expect(verbsOf(report)).toEqual(['unproved', 'unproved', 'unproved', 'unproved'])
      expect(reasonOf(report)).toBe(
        'its policies ask who logged in: give --app-url URL to name the login of the application',
      )
      const told = await schema.verify({ appUrl: await appUrl(schema) })
      expect(new Set(verbsOf(told))).toEqual(new Set(['proved']))
    }))

  it('are proved on a server of the run’s own, where the login opens a connection', () =>
    firstRun(asPaper(notes(`${OWN} and session_user <> 'nobody'`)), async (report) => {
      expect(new Set(verbsOf(report))).toEqual(new Set(['proved']))
    }))

  it('are asked as the gateway’s login, which becomes the role of the request', () =>
    firstRun(
      `create role papergate login noinherit; create role paperuser nologin; grant paperuser to papergate;
       ${notes(`${OWN} or (select usename from pg_stat_activity where pid = pg_backend_pid()) = 'papergate'`).replaceAll('{app}', 'paperuser')}`,
      async (report) => {
        expect(verbsOf(report)).toEqual(['leaks', 'leaks', 'leaks', 'leaks'])
        const evidence = loud(report).flatMap((finding) => finding.evidence)
        expect(evidence.join('\n')).toContain('logged in as papergate, SET ROLE paperuser, tenant A')
      },
    ))

  it('are unproved where the login can open no connection, with the server’s words', () =>
    opened(notes(`${OWN} and session_user <> 'nobody'`), async (schema) => {
      // Somebody is connected to the database, so that it can't be copied.
      const report = await schema.verify({ ownServer: true })
      expect(new Set(verbsOf(report))).toEqual(new Set(['unproved']))
      expect(reasonOf(report)).toContain('no connection could be opened as the application’s login')
    }))

  it('are unproved, and no hole of the application, where verify is no superuser', () =>
    opened(
      `${notes(`${OWN} or session_user not like 'case\\_app\\_%'`)}
       grant {app} to {owner}; alter table notes owner to {owner}; alter table tenants owner to {owner}`,
      async (schema) => {
        await schema.run(`alter role {owner} login password 'of the test'`)
        const url = new URL(schema.url)
        url.username = schema.role('owner')
        url.password = encodeURIComponent('of the test')
        const report = await verifyDatabase({ databaseUrl: url.href, mode: 'attack', appRole: schema.role('app') })
        expect(loud(report)).toEqual([])
        expect(verbsOf(report)).toEqual(['unproved', 'unproved', 'unproved', 'unproved'])
        expect(reasonOf(report)).toContain('is no superuser and can only SET ROLE')
      },
    ))

  it('leave the password of the login and the server as they were', () =>
    firstRun(
      `${asPaper(notes(`${OWN} and session_user <> 'nobody'`))} alter role paperapp password 'of the test'`,
      async (_, source) => {
        const url = new URL(source.url)
        url.username = 'paperapp'
        url.password = encodeURIComponent('of the test')
        const client = new pg.Client({ connectionString: url.href })
        await client.connect()
        const { rows } = await client.query(`select datname from pg_database where datname like 'partywall_login_%'`)
        await client.end()
        expect(rows).toEqual([])
      },
    ))
})
