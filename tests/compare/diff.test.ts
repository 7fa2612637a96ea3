import { execFileSync } from 'node:child_process'
import { randomBytes } from 'node:crypto'
import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import pg from 'pg'
import { afterAll, beforeAll, describe, expect, inject, it, vi } from 'vitest'
import { runDiff } from '../../cli/diff/run-diff.ts'
import type { JudgedChange } from '../../src/compare/changes/judge-changes.ts'
import { openThrowAwayServer } from '../../src/embedded/throw-away-server.ts'
import { withOwnServer } from '../setup/own-server.ts'
import { makeRolesAllTheTime } from '../setup/roles-of-others.ts'
import { sealedPapers } from './sealed-papers.ts'

let folder: string
const app = `diffed_${randomBytes(4).toString('hex')}`
const OWN = "firm_id = nullif(current_setting('app.firm', true), '')::int"
const BASE = `do $$ begin if not exists (select from pg_roles where rolname = '${app}') then create role ${app} login; end if; end $$;
  create table firms (id int primary key);
  create table papers (id int primary key, firm_id int not null references firms (id), body text);
  create index on papers (firm_id);
  grant select, insert, update on papers to ${app};
  alter table papers enable row level security; alter table papers force row level security;
  create policy own on papers using (${OWN});`

const SEALED = sealedPapers(app)

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'partywall-diff-test-'))
  vi.stubEnv('PARTYWALL_POSTGRES_URL', inject('postgres').url)
  vi.spyOn(console, 'error').mockImplementation(() => {})
})
afterAll(async () => {
  vi.unstubAllEnvs()
  vi.restoreAllMocks()
  await rm(folder, { recursive: true, force: true })
})

async function diff(change: string, base = BASE, flags: object = {}) {
  const [before, after] = [join(folder, 'before.sql'), join(folder, 'after.sql')]
  await writeFile(before, base)
  await writeFile(after, `${base}\n${change}`)
  const lines: string[] = []
  const code = await runDiff({ base: before, head: after, format: 'json', ...flags }, (line) => lines.push(line))
  const changes: readonly JudgedChange[] = JSON.parse(lines.join('\n'))
  return { code, changes, of: (object: string) => changes.find((each) => each.object === object) }
}

describe('partywall diff', { timeout: 120_000 }, () => {
  it.each([
    ['a policy that opens', 'create policy b on papers for select using (true)', 'policy b on public.papers: added'],
    [
      'row-level security off',
      'alter table papers disable row level security',
      'row-level security of public.papers: changed',
    ],
    [
      'a policy in other words that leaks',
      `alter policy own on papers using (${OWN} or firm_id = 7)`,
      'policy own on public.papers: changed',
    ],
    ['a right that no policy holds', `grant truncate on papers to ${app}`, 'privileges on public.papers: changed'],
    [
      'a view with its owner’s rights',
      `create view all_papers as select * from papers; grant select on all_papers to ${app}`,
      '',
    ],
  ])('weaker: %s', async (_name, change, part) => {
    const { code, changes, of } = await diff(change)
    const judged = of('public.papers')?.judgement === 'weaker' ? of('public.papers') : of('public.all_papers')
    expect({ code, judgement: judged?.judgement, changes }).toMatchObject({ code: 1, judgement: 'weaker' })
    if (part !== '') expect(judged?.changes).toContain(part)
    expect(judged?.reasons.length).toBeGreaterThan(0)
  })

  it.each([
    ['an index', 'create index on papers (firm_id, body)'],
    ['the same policy in other words', `alter policy own on papers using ((${OWN}) and true)`],
    ['a column', 'alter table papers add column note text'],
  ])('equal: %s', async (_name, change) => {
    const { code, of } = await diff(change)
    expect(of('public.papers')).toMatchObject({ judgement: 'equal' })
    expect(code).toBe(0)
  })

  it('equal: a new table that keeps tenants apart, with its verdicts', async () => {
    const { of } = await diff(
      `create table notes (id int primary key, firm_id int not null references firms (id)); create index on notes (firm_id);
       grant select, insert, update on notes to ${app}; alter table notes enable row level security; alter table notes force row level security;
       create policy own on notes using (firm_id = (select nullif(current_setting('app.firm', true), '')::int));`,
    )
    expect(of('public.notes')).toMatchObject({
      judgement: 'equal',
      reasons: [expect.stringContaining('select proved')],
    })
  })

  it('weaker: a new table without a wall', async () => {
    const { of } = await diff(
      `create table notes (id int primary key, firm_id int not null references firms (id)); grant select on notes to ${app};`,
    )
    expect(of('public.notes')).toMatchObject({ judgement: 'weaker' })
  })

  it('takes the role from partywall.config of the working folder', async () => {
    await writeFile(join(folder, 'partywall.config.mjs'), `export default { appRole: 'nobody_of_this_name' }`)
    const before = process.cwd()
    try {
      process.chdir(folder)
      await expect(diff('')).rejects.toThrow(/nobody_of_this_name/)
    } finally {
      process.chdir(before)
      await rm(join(folder, 'partywall.config.mjs'))
    }
  })

  it.each([
    ['more inside the own tenant', `grant delete on papers to ${app}`, /can do more: DELETE/],
    [
      'less inside the own tenant',
      'create policy never on papers as restrictive for update using (false)',
      /can do less/,
    ],
    ['a function', 'create function helper() returns int language sql as $$ select 1 $$', /can't be judged by trying/],
  ])('to review: %s', async (_name, change, reason) => {
    const { code, changes } = await diff(change)
    const judged = changes.find(({ judgement }) => judgement === 'review')
    expect(judged?.reasons.join('\n')).toMatch(reason)
    expect(changes.filter(({ judgement }) => judgement === 'weaker')).toEqual([])
    expect(code).toBe(0)
  })

  it('to review: a table that goes', async () => {
    const { of } = await diff(
      'drop table old',
      `${BASE}\ncreate table old (id int primary key, firm_id int references firms (id));`,
    )
    expect(of('public.old')).toMatchObject({ judgement: 'review', reasons: ['table public.old is gone'] })
  })

  it('safer: a hole that is closed', async () => {
    const open = `${BASE}\ncreate policy b on papers for select using (true);`
    const { code, of } = await diff('drop policy b on papers', open)
    expect(of('public.papers')).toMatchObject({ judgement: 'safer', changes: ['policy b on public.papers: removed'] })
    expect(code).toBe(0)
  })

  it('says that nothing changed', async () => {
    expect(await diff('')).toMatchObject({ code: 0, changes: [] })
  })

  it('does not report the roles that others make on the server meanwhile', async () => {
    const others = await makeRolesAllTheTime(inject('postgres').url, 100)
    try {
      expect(await diff('')).toMatchObject({ code: 0, changes: [] })
    } finally {
      expect(await others.stop()).toBeGreaterThan(2)
    }
  })

  it('fails from "review" on where that is asked for', async () => {
    expect((await diff(`grant delete on papers to ${app}`, BASE, { failOn: 'review' })).code).toBe(1)
  })
})

describe('partywall diff of git refs', { timeout: 120_000 }, () => {
  it('compares the migrations of a ref with the files as they are now', async () => {
    const repository = await mkdtemp(join(tmpdir(), 'partywall-diff-git-'))
    const git = (...words: readonly string[]) =>
      execFileSync('git', ['-c', 'user.name=t', '-c', 'user.email=t@t.example', ...words], { cwd: repository })
    const before = process.cwd()
    try {
      git('init', '-q', '-b', 'main')
      await mkdir(join(repository, 'db'))
      await writeFile(join(repository, 'db', '1.sql'), BASE)
      git('add', '.')
      git('commit', '-qm', 'base')
      await writeFile(join(repository, 'db', '2.sql'), 'create policy b on papers for select using (true);')
      process.chdir(repository)
      const lines: string[] = []
      const run = (base: string) => runDiff({ base, migrations: 'db', format: 'markdown' }, (line) => lines.push(line))
      expect(await run('main')).toBe(1)
      expect(lines.join('\n')).toContain('| **weaker** | public.papers | policy b on public.papers: added |')
      await expect(run('nowhere')).rejects.toThrow(/neither a git ref nor a path nowhere/)
      await expect(run('--output=x')).rejects.toThrow(/neither a git ref nor a path/)
    } finally {
      process.chdir(before)
      await rm(repository, { recursive: true, force: true })
    }
  })
})

describe('partywall diff of a database', { timeout: 120_000 }, () => {
  async function differences(change: string, more = '') {
    const server = await openThrowAwayServer(inject('postgres').url, { external: true, end: async () => {} })
    const name = await server.createDatabase()
    const client = new pg.Client({ connectionString: server.url(name) })
    const migrations = join(folder, 'declared.sql')
    await writeFile(migrations, `${BASE}\n${more}`)
    await client.connect()
    try {
      await client.query(`${BASE}\n${change}`)
      const lines: string[] = []
      const flags = { migrations, databaseUrl: server.url(name), format: 'json' }
      const code = await runDiff(flags, (line) => lines.push(line))
      const changes: readonly JudgedChange[] = JSON.parse(lines.join('\n'))
      return { code, reasons: changes.flatMap(({ reasons }) => reasons) }
    } finally {
      await client.end()
      await server.dropDatabase(name)
    }
  }

  it('finds nothing where the migrations have run, whoever owns the tables', async () => {
    expect(await differences(`alter table papers owner to ${app}`)).toEqual({ code: 0, reasons: [] })
  })

  it.each([
    [
      'create policy by_hand on papers using (true)',
      'policy by_hand on public.papers is in the database, and no migration declares it',
    ],
    [
      'drop policy own on papers',
      'the migrations declare policy own on public.papers, and the database does not have it',
    ],
    ['alter policy own on papers using (true)', 'policy own on public.papers differs from what the migrations declare'],
    [
      'alter table papers no force row level security',
      'row-level security of public.papers differs from what the migrations declare',
    ],
    [
      'create table by_hand (id int); alter table by_hand enable row level security',
      'public.by_hand is in the database, and no migration makes it',
    ],
  ])('names what was done by hand: %s', async (change, reason) => {
    expect(await differences(change)).toEqual({ code: 1, reasons: [reason] })
  })

  it('names a table whose migration has not run', async () => {
    expect((await differences('', 'create table pending (id int);')).reasons).toEqual([
      'the migrations make public.pending, and the database does not have it: has the last migration run?',
    ])
  })

  it('asks for one thing to compare with', async () => {
    await expect(runDiff({ migrations: folder }, () => {})).rejects.toThrow(/Give BASE, .* or --database-url/)
    await expect(runDiff({ base: 'main', databaseUrl: 'postgres://x/y' }, () => {})).rejects.toThrow(/Give BASE/)
    await expect(runDiff({ databaseUrl: 'postgres://x/y' }, () => {})).rejects.toThrow(/needs --migrations/)
  })
})

describe('partywall diff of a sealed schema', { timeout: 120_000 }, () => {
  withOwnServer()
  it.each([
    ['review', 'create policy nobody on papers as restrictive for select using (false)', /can do less .*SELECT/],
    [
      'weaker',
      `drop policy own on papers; create policy own on papers using (true); drop policy seal on papers;
       create policy seal on papers as restrictive using ((select coalesce(t.tenant_id, partywall.tenant_id()) from partywall.ticket t) is not null)`,
      /can do more: SELECT on public\.papers as tenant_user: user 1 of tenant 1 on the row of user 3 of tenant 2/,
    ],
    ['equal', 'create index on papers (body)', /^Every statement/],
  ])('%s in a sealed schema: %s', async (judgement, change, reason) => {
    const { of } = await diff(change, SEALED, { appRole: app })
    expect(of('public.papers')).toMatchObject({ judgement })
    expect(of('public.papers')?.reasons.join('\n')).toMatch(reason)
  })
})
