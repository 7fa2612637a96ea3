import { execFileSync } from 'node:child_process'
import { createHash, randomBytes } from 'node:crypto'
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import { ciJob, gitState, runMaking } from '../../cli/verify/run-making.ts'
import { readOwnMigrations } from '../../src/migrate/own-migrations.ts'
import { readMigrations } from '../../src/verify/sources/read-migrations.ts'
import { verifyDatabase } from '../../src/verify/verify-database.ts'
import { createTestDatabase } from '../setup/database.ts'

describe('what a run looked at', { timeout: 120_000 }, () => {
  it('has roles, policies, attacks with their counts, and how each cell leaks', async () => {
    const app = `examined_${randomBytes(4).toString('hex')}`
    const database = await createTestDatabase({ migrated: false })
    await database.admin(`create role ${app} login;
      create table tenants (id uuid primary key);
      create table notes (id int primary key, tenant_id uuid not null references tenants, body text);
      create table closed (id int primary key, tenant_id uuid not null references tenants);
      alter table closed enable row level security;
      create policy own on closed using (tenant_id = nullif(current_setting('app.tenant_id', true), '')::uuid);
      grant select, insert, update, delete on notes to ${app}; grant select on closed to ${app};
      create role ${app}_report; create role ${app}_reader login in role ${app}_report;
      grant select (id, body), insert on notes to ${app}_report`)
    const report = await verifyDatabase({ databaseUrl: database.adminUrl, appRole: app, mode: 'attack' })
    const { examined, summary } = report
    expect(examined.roles.find(({ name }) => name === app)).toMatchObject({
      login: true,
      superuser: false,
      path: [app],
      owns: [],
    })
    // The application can't become these: what they may do is told, because no attack tried it.
    expect(examined.roles.find(({ name }) => name === `${app}_reader`)).toMatchObject({
      login: true,
      memberOf: [`${app}_report`],
    })
    expect(examined.untriedGrants.filter(({ role }) => role.startsWith(app))).toEqual([
      { role: `${app}_report`, object: 'public.notes', privileges: ['INSERT', 'SELECT (body)', 'SELECT (id)'] },
    ])
    expect(examined.untriedGrants.some(({ privileges }) => privileges.includes('all, as the owner'))).toBe(true)
    expect(examined.roles.filter(({ path }) => path === undefined).flatMap(({ owns }) => owns)).toContain(
      'public.notes',
    )
    expect(examined.objects).toMatchObject({ table: 3, policy: 1, view: 0, 'foreign-key': 2 })
    expect(examined.relations.find(({ object }) => object === 'public.closed')).toMatchObject({
      bound: 'tenant',
      column: 'tenant_id',
      rowSecurity: true,
      forced: false,
      policies: [{ name: 'own', command: 'all', roles: ['PUBLIC'], using: expect.stringContaining('app.tenant_id') }],
    })
    expect(examined.relations.find(({ object }) => object === 'public.tenants')?.bound).toBe('root')
    const leaks = examined.leaks.filter(({ object }) => object === 'public.notes')
    expect(leaks.map(({ verb, by }) => `${verb} ${by}`)).toEqual(
      ['select', 'insert', 'update', 'delete'].map((verb) => `${verb} attack`),
    )
    expect(leaks.every(({ keys }) => keys.includes('rls-disabled:public.notes'))).toBe(true)
    expect(examined.leaks.some(({ object }) => object === 'public.closed')).toBe(false)
    const cell = (object: string, verb: string) =>
      examined.cells.find((each) => each.object === object && each.verb === verb && each.role === app)
    expect(cell('public.closed', 'select')).toMatchObject({ proof: 'proved', control: 'worked', reached: 0 })
    expect(cell('public.closed', 'select')?.tries).toBeGreaterThan(0)
    expect(cell('public.closed', 'delete')).toEqual({
      object: 'public.closed',
      verb: 'delete',
      role: app,
      proof: 'none',
      tries: 0,
      reached: 0,
    })
    for (const verb of ['select', 'insert', 'update', 'delete']) {
      const { tries = 0, reached = 0 } = cell('public.notes', verb) ?? {}
      expect(reached).toBeGreaterThan(0)
      expect(tries).toBeGreaterThanOrEqual(reached)
    }
    expect(examined.grants.filter(({ role }) => role === app)).toEqual([
      { role: app, object: 'public.closed', privileges: ['SELECT'] },
      { role: app, object: 'public.notes', privileges: ['SELECT', 'INSERT', 'UPDATE', 'DELETE'] },
    ])
    const controls = examined.controls.filter(({ object }) => object === 'public.closed')
    expect(controls).toEqual([{ object: 'public.closed', verb: 'select', role: app, status: 'worked' }])
    const count = (name: string) => examined.attacks.find((attack) => attack.name === name)
    expect(count('read-across')).toMatchObject({ reached: ['public.notes'] })
    expect(count('read-across')?.probes).toBeGreaterThan(0)
    const sent = examined.attacks.reduce((sum, { probes }) => sum + probes, 0)
    expect(sent).toBeGreaterThan(0)
    // The controls and the planting are probes too.
    expect(sent).toBeLessThan(summary.counts.probes)
  })

  it('has functions, triggers, views and privileges on database and schemas', async () => {
    const app = `examined_${randomBytes(4).toString('hex')}`
    const database = await createTestDatabase({ migrated: false })
    await database.admin(`create role ${app} login; create role ${app}_helper nologin; create schema tools;
      create table tenants (id uuid primary key);
      create table notes (id int primary key, tenant_id uuid not null references tenants, body text);
      create function tools.count_notes() returns bigint language sql security definer set search_path = pg_catalog as 'select count(*) from public.notes';
      create function tools.plain(a int) returns int language sql return a + 1;
      revoke execute on function tools.count_notes() from public; grant execute on function tools.count_notes() to ${app};
      create function stamp() returns trigger language plpgsql as 'begin return new; end';
      create trigger stamp_it before insert or update on notes for each row when (new.body is not null) execute function stamp();
      alter table notes disable trigger stamp_it;
      create view recent with (security_invoker = true) as select id from notes;
      create rule late as on insert to notes where new.id < 0 do instead nothing;
      grant usage on schema tools to ${app}; grant create on schema tools to ${app}_helper; grant select on notes to ${app}`)
    const { examined } = await verifyDatabase({ databaseUrl: database.adminUrl, appRole: app, mode: 'static' })
    const fn = (name: string) => examined.functions.find(({ object }) => object.startsWith(`tools.${name}(`))
    expect(fn('count_notes')).toMatchObject({
      language: 'sql',
      definer: true,
      settings: ['search_path = pg_catalog'],
      grantees: [app, 'postgres'].sort(),
      callers: [app],
    })
    expect(fn('plain')).toMatchObject({ definer: false, grantees: ['PUBLIC', 'postgres'], callers: [app] })
    // The digest is the one that a reader computes.
    const { rows } = await database.admin(`select p.proname as name,
      encode(sha256(convert_to(coalesce(pg_get_function_sqlbody(p.oid), p.prosrc), 'UTF8')), 'hex') as digest
      from pg_proc as p where p.pronamespace = 'tools'::regnamespace`)
    expect(rows.length).toBe(2)
    for (const { name, digest } of rows) expect([name, fn(String(name))?.sha256]).toEqual([name, digest])
    expect(examined.triggers).toMatchObject([
      {
        object: 'public.notes',
        name: 'stamp_it',
        when: 'before insert or update, for each row, with a condition',
        calls: 'public.stamp()',
        enabled: 'disabled',
      },
    ])
    expect(examined.views).toMatchObject([
      { object: 'public.recent', options: ['security_invoker = true'], definition: expect.stringContaining('notes') },
    ])
    expect(examined.rewriteRules).toMatchObject([{ object: 'public.notes', name: 'late' }])
    const wide = (role: string) =>
      [...examined.wideGrants, ...examined.untriedWideGrants]
        .filter((grant) => grant.role === role)
        .map(({ object, privileges }) => `${object}: ${privileges.join(', ')}`)
    expect(wide(app)).toContain('schema tools: USAGE')
    expect(wide(app).some((line) => line.startsWith('database: CONNECT'))).toBe(true)
    expect(wide(`${app}_helper`)).toEqual(['schema tools: CREATE'])
    expect(wide('PUBLIC')).toContain('schema public: USAGE')
  })

  it('has the whole condition of a policy as evidence', async () => {
    const app = `examined_${randomBytes(4).toString('hex')}`
    const database = await createTestDatabase({ migrated: false })
    const kind = 'a kind of note, '.repeat(20)
    await database.admin(`create role ${app} login;
      create table tenants (id uuid primary key);
      create table notes (id int primary key, tenant_id uuid not null references tenants, kind text);
      alter table notes enable row level security;
      create policy own on notes using (tenant_id = nullif(current_setting('app.tenant_id', true), '')::uuid or kind = '${kind}');
      grant select on notes to ${app}`)
    const { findings } = await verifyDatabase({ databaseUrl: database.adminUrl, appRole: app, mode: 'static' })
    const evidence = findings.flatMap((finding) => finding.evidence).join('\n')
    expect(evidence).toContain('is true where')
    expect(evidence).toContain(kind)
    expect(evidence).not.toContain('…')
  })

  it('has the settings that take part in the result, and no value that may be a secret', async () => {
    const [app, other] = [1, 2].map(() => `examined_${randomBytes(4).toString('hex')}`)
    const database = await createTestDatabase({ migrated: false })
    await database.admin(`create role ${app} login; create role ${other};
      create table tenants (id uuid primary key);
      create table notes (id int primary key, tenant_id uuid not null references tenants);
      grant select on notes to ${app};
      alter role ${app} set search_path = notes_first, public;
      alter role ${other} set search_path = elsewhere;
      alter database ${database.name} set app.jwt_secret = 'hunter2'`)
    const { examined } = await verifyDatabase({ databaseUrl: database.adminUrl, appRole: app, mode: 'static' })
    const { settings, stored, version } = examined.server
    expect(version).toMatch(/^PostgreSQL \d+/)
    const value = (name: string) => settings.find((setting) => setting.name === name)?.value
    expect([value('row_security'), value('session_replication_role')]).toEqual(['on', 'origin'])
    expect(stored).toContain(`role ${app}: search_path = notes_first, public`)
    expect(stored).toContain('this database: app.jwt_secret (its value is not printed)')
    // Roles that take no part may belong to other applications of the server.
    expect(JSON.stringify(examined)).not.toMatch(new RegExp(`hunter2|${other}`))
  })

  it('says that a cell leaks by reading where nothing was attacked', async () => {
    const app = `examined_${randomBytes(4).toString('hex')}`
    const database = await createTestDatabase({ migrated: false })
    await database.admin(`create role ${app} login;
      create table tenants (id uuid primary key);
      create table notes (id int primary key, tenant_id uuid not null references tenants);
      grant select on notes to ${app}`)
    const { examined } = await verifyDatabase({ databaseUrl: database.adminUrl, appRole: app, mode: 'static' })
    expect(examined.attacks).toEqual([])
    expect(examined.leaks.map(({ object, verb, by }) => [object, verb, by])).toEqual([
      ['public.notes', 'select', 'reading'],
    ])
  })
})

describe('the files of a run', () => {
  it('have the digest and the size of all their bytes, also where a down section is not read', async () => {
    const folder = await mkdtemp(join(tmpdir(), 'partywall-inputs-'))
    const text = 'select 1; -- é\n-- migrate:down\nselect 2;\n'
    await writeFile(join(folder, '1.sql'), text)
    const { files } = await readMigrations(folder)
    expect(files[0]).toMatchObject({
      bytes: Buffer.byteLength(text),
      sha256: createHash('sha256').update(text).digest('hex'),
    })
    await rm(folder, { recursive: true })
  })

  it('belong to the job of GitHub, GitLab or Jenkins that read them', () => {
    const github = { GITHUB_SERVER_URL: 'https://github.com', GITHUB_REPOSITORY: 'a/b', GITHUB_RUN_ID: '7' }
    expect(ciJob({ ...github, GITHUB_RUN_ATTEMPT: '2' })).toBe('https://github.com/a/b/actions/runs/7/attempts/2')
    expect(ciJob({ CI_JOB_URL: 'https://u:p@gitlab.com/a/b/-/jobs/7' })).toBe('https://…@gitlab.com/a/b/-/jobs/7')
    expect(ciJob({ BUILD_URL: 'https://ci/job/a/7/' })).toBe('https://ci/job/a/7/')
    expect(ciJob({ GITHUB_REPOSITORY: 'a/b' })).toBeUndefined()
  })

  it('stand in a commit, clean or not, or the folder is in no repository', async () => {
    const folder = await mkdtemp(join(tmpdir(), 'partywall-git-'))
    expect(await gitState(folder)).toBeUndefined()
    const git = (...words: string[]) => execFileSync('git', ['-C', folder, ...words], { encoding: 'utf8' })
    git('init', '-q')
    git('-c', 'user.name=a', '-c', 'user.email=a@b', 'commit', '-q', '--allow-empty', '-m', 'one')
    const commit = git('rev-parse', 'HEAD').trim()
    expect(await gitState(folder)).toEqual({ commit, clean: true })
    await writeFile(join(folder, 'new.sql'), '')
    expect(await gitState(folder)).toEqual({ commit, clean: false })
    await rm(folder, { recursive: true })
  })
})

describe('copies of partywall’s migrations among the files', () => {
  it('are recognised by their bytes', async () => {
    const [own] = await readOwnMigrations()
    if (own === undefined) throw new RangeError('no migration')
    const files = [
      { name: 'db/copy.sql', bytes: 1, sha256: own.checksum },
      { name: 'db/mine.sql', bytes: 1, sha256: 'a'.repeat(64) },
    ]
    const { inputs } = await runMaking({ failOn: 'medium', format: 'pretty', report: [] }, { files, ownFiles: [] }, 0)
    expect(inputs?.map(({ name, ofPartywall }) => [name, ofPartywall])).toEqual([
      ['db/copy.sql', own.name],
      ['db/mine.sql', undefined],
    ])
  })
})
