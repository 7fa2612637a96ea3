import { randomBytes } from 'node:crypto'
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, inject, it, vi } from 'vitest'
import { runCompare } from '../../cli/compare/run-compare.ts'

let folder: string
const app = `compared_${randomBytes(4).toString('hex')}`
const BEFORE = `do $$ begin if not exists (select from pg_roles where rolname = '${app}') then create role ${app} login; end if; end $$;
  create table firms (id int primary key); create table papers (id int primary key, firm_id int not null references firms (id), author int, body text);
  create index on papers (firm_id); grant select, insert, update on papers to ${app}; alter table papers enable row level security;
  create policy a on papers using (firm_id = nullif(current_setting('app.firm', true), '')::int);`

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'partywall-compare-'))
  vi.stubEnv('PARTYWALL_POSTGRES_URL', inject('postgres').url)
  vi.spyOn(console, 'error').mockImplementation(() => {})
})
afterAll(async () => {
  vi.unstubAllEnvs()
  vi.restoreAllMocks()
  await rm(folder, { recursive: true, force: true })
})

async function compared(change: string, flags: object = {}): Promise<{ readonly code: number; readonly text: string }> {
  const [before, after] = [join(folder, 'before.sql'), join(folder, 'after.sql')]
  await writeFile(before, BEFORE)
  await writeFile(after, `${BEFORE}\n${change}`)
  const lines: string[] = []
  const code = await runCompare({ before, after, ...flags }, (line) => lines.push(line))
  return { code, text: lines.join('\n') }
}

describe('partywall compare', () => {
  it.each([
    ['nothing', '', 0, /^Nobody can see or do more/],
    [
      'a policy that opens',
      'create policy b on papers for select using (true);',
      1,
      /can do more: SELECT on public\.papers/,
    ],
    ['a right that is given', `grant delete on papers to ${app};`, 1, /can do more: DELETE/],
    [
      'a policy that closes',
      'create policy b on papers as restrictive using (author is null);',
      1,
      /can do less inside its own tenant/,
    ],
    ['row security off', 'alter table papers disable row level security;', 1, /can do more/],
    [
      'a new table that is open',
      `create table lines (id int primary key, firm_id int not null references firms (id)); grant select on lines to ${app};`,
      1,
      /can do more: SELECT on public\.lines/,
    ],
    [
      'a new table with a wall',
      `create table lines (id int primary key, firm_id int not null references firms (id)); grant select on lines to ${app}; alter table lines enable row level security; create policy a on lines using (firm_id = nullif(current_setting('app.firm', true), '')::int);`,
      0,
      /^Nobody/,
    ],
    [
      'a view of a superuser',
      `create view all_papers as select * from papers; grant select on all_papers to ${app};`,
      1,
      /can do more: SELECT on public\.all_papers/,
    ],
  ])('tells of %s', async (_change, sql, code, text) => {
    const told = await compared(sql)
    expect(told.text).toMatch(text)
    expect(told.code).toBe(code)
  })

  it('gives JSON where a program reads it', async () => {
    const { text } = await compared('alter table papers disable row level security;', { json: true })
    const { differences } = JSON.parse(text)
    expect(differences).toContainEqual({
      kind: 'wider',
      role: app,
      user: 'user 1 of tenant 1',
      object: 'public.papers',
      verb: 'select',
      row: 'user 3 of tenant 2',
      isTenants: true,
      before: 'nothing',
      after: 'done',
    })
  })

  it('refuses what it does not know', async () => {
    await expect(runCompare({ before: 'x' }, () => {})).rejects.toMatchObject({ code: 'PARTYWALL_CONFIGURATION' })
  })
})
