import pg from 'pg'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { startPostgres } from '../../src/embedded/start-postgres.ts'
import type { ThrowAwayServer } from '../../src/embedded/throw-away-server.ts'
import { verifyDatabase } from '../../src/verify/verify-database.ts'

// A server of its own: on the others' there are logins of other tests, and roles that are found are what these hints speak of.
let server: ThrowAwayServer
beforeAll(async () => {
  server = await startPostgres()
})
afterAll(() => server.stop())

const open = async (sql: string): Promise<string> => {
  const url = server.url(await server.createDatabase())
  await run(url, sql)
  return url
}

async function run(url: string, sql: string): Promise<void> {
  const client = new pg.Client({ connectionString: url })
  await client.connect()
  try {
    await client.query(sql)
  } finally {
    await client.end()
  }
}

const messageOf = async (work: Promise<unknown>): Promise<string> => {
  const error = await work.then(
    () => new Error('it ran'),
    (reason: unknown) => reason,
  )
  return error instanceof Error ? error.message : String(error)
}

/** The lines of SQL in a message. */
const linesOf = (message: string) =>
  message
    .split('\n')
    .filter((line) => /^\s*(CREATE|GRANT)\b/.test(line))
    .join('\n')
const flagsOf = (message: string, flag: string) =>
  [...message.matchAll(new RegExp(`${flag} ([a-z_]+)`, 'g'))].map((match) => match[1] ?? '')

const NOTES = `create table orgs (id int primary key); create table notes (id int primary key, org_id int not null references orgs (id), body text);`

describe('a hint that is followed', () => {
  it('makes a role where there is none, and the next run finds it', async () => {
    const url = await open(NOTES)
    const message = await messageOf(verifyDatabase({ databaseUrl: url }))
    expect(linesOf(message)).toContain('CREATE ROLE app LOGIN;')
    await run(url, linesOf(message))
    const report = await verifyDatabase({ databaseUrl: url })
    expect(report.summary.appRole).toBe('app')
    expect(report.findings.map(({ key }) => key)).toContain('rls-disabled:public.notes')
    await run(url, 'drop owned by app; drop role app')
  })

  it('acts as the owner of the tables, and says that no policy holds it', async () => {
    const url = await open(
      `create role keeper login; ${NOTES} alter table notes owner to keeper; alter table orgs owner to keeper;`,
    )
    await run(url, 'alter role keeper nologin')
    const message = await messageOf(verifyDatabase({ databaseUrl: url }))
    expect(flagsOf(message, '--app-role')).toEqual(['keeper'])
    const report = await verifyDatabase({ databaseUrl: url, appRole: 'keeper' })
    expect(report.findings.map(({ key }) => key)).toContain('table-owned-by-app:public.notes')
    const fixes = report.findings.filter(({ severity }) => severity !== 'info').map(({ fix }) => fix)
    for (const fix of fixes) await run(url, fix)
    await run(url, 'drop owned by keeper; drop role keeper')
  })

  it('grants a role what it lacks, and the next run judges it', async () => {
    const url = await open(`create role idle login; ${NOTES}`)
    const before = await verifyDatabase({ databaseUrl: url, appRole: 'idle' })
    expect(before.summary.reachable).toBe(false)
    await run(url, before.summary.grantsMissing.join('\n'))
    const after = await verifyDatabase({ databaseUrl: url, appRole: 'idle' })
    expect(after.summary).toMatchObject({ reachable: true, grantsMissing: [] })
    await run(url, 'drop owned by idle; drop role idle')
  })

  it('offers no grants to a login that works by SET ROLE: they would bypass the policies of the roles that it sets', async () => {
    const url = await open(`create role waiting login noinherit; ${NOTES}`)
    const { summary } = await verifyDatabase({ databaseUrl: url, appRole: 'waiting' })
    expect(summary).toMatchObject({ reachable: false, grantsMissing: [] })
    await run(url, 'drop role waiting')
  })

  it('names each of several roles, and each can be taken', async () => {
    const url = await open(
      `create role web login; create role jobs login; ${NOTES} grant select on notes to web, jobs;`,
    )
    const message = await messageOf(verifyDatabase({ databaseUrl: url }))
    expect(message).toBe(
      'Several roles could be the app role: jobs, web. Name it with --app-role jobs or --app-role web.',
    )
    for (const appRole of flagsOf(message, '--app-role'))
      expect((await verifyDatabase({ databaseUrl: url, appRole })).summary.appRole).toBe(appRole)
    await run(url, 'drop owned by web, jobs; drop role web, jobs')
  })

  it('names each of several columns, and each can be taken', async () => {
    const url = await open(`create role app login;
      create table schools (id int primary key); create table clinics (id int primary key);
      create table lessons (id int primary key, school_id int references schools (id));
      create table beds (id int primary key, clinic_id int references clinics (id));
      grant select on lessons, beds to app;`)
    const message = await messageOf(verifyDatabase({ databaseUrl: url }))
    const columns = flagsOf(message, '--tenant-column')
    expect(columns).toEqual(['clinic_id', 'school_id'])
    for (const column of columns) {
      const { summary } = await verifyDatabase({ databaseUrl: url, tenantColumns: [column] })
      expect(summary.tenantColumns).toEqual([column])
      expect(summary.notes.join('\n')).not.toContain('also weighed')
    }
    await run(url, 'drop owned by app; drop role app')
  })

  it('grants the planting role what it needs to act as the application', async () => {
    const url = await open(`create role app login; create role planter login password 'of the test'; ${NOTES}
      alter table notes owner to planter; alter table orgs owner to planter; grant select on notes to app;`)
    const own = new URL(url)
    own.username = 'planter'
    own.password = encodeURIComponent('of the test')
    const asked = { databaseUrl: own.href, appRole: 'app' }
    const message = await messageOf(verifyDatabase(asked))
    const grant = /GRANT [^;]+;/.exec(message)?.[0] ?? ''
    await run(url, grant)
    expect((await verifyDatabase(asked)).summary.mode).toBe('attack')
    expect((await verifyDatabase({ ...asked, mode: 'static' })).summary.mode).toBe('static')
    await run(url, 'drop owned by planter, app cascade; drop role planter, app')
  })
})
