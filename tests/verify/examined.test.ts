import { execFileSync } from 'node:child_process'
import { createHash, randomBytes } from 'node:crypto'
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import { gitState } from '../../cli/verify/run-making.ts'
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
      grant select, insert, update, delete on notes to ${app}; grant select on closed to ${app}`)
    const report = await verifyDatabase({ databaseUrl: database.adminUrl, appRole: app, mode: 'attack' })
    const { examined, summary } = report
    expect(examined.roles.find(({ name }) => name === app)).toMatchObject({
      login: true,
      superuser: false,
      path: [app],
      owns: [],
    })
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
