import { randomBytes } from 'node:crypto'
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, inject, it, vi } from 'vitest'
import { runCompare } from '../../cli/compare/run-compare.ts'
import { withOwnServer } from '../setup/own-server.ts'
import { sealedPapers } from './sealed-papers.ts'

let folder: string
const app = `compared_${randomBytes(4).toString('hex')}`
const BEFORE = `do $$ begin if not exists (select from pg_roles where rolname = '${app}') then create role ${app} login; end if; end $$;
  create table firms (id int primary key); create table papers (id int primary key, firm_id int not null references firms (id), author int, body text);
  create index on papers (firm_id); grant select, insert, update on papers to ${app}; alter table papers enable row level security;
  create policy a on papers using (firm_id = nullif(current_setting('app.firm', true), '')::int);`

const SEALED = sealedPapers(app)

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

async function compared(
  change: string,
  flags: object = {},
  base = BEFORE,
): Promise<{ readonly code: number; readonly text: string }> {
  const [before, after] = [join(folder, 'before.sql'), join(folder, 'after.sql')]
  await writeFile(before, base)
  await writeFile(after, `${base}\n${change}`)
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

  it('does not say that nothing changed where no session reaches a row', async () => {
    const policy = (value: string) =>
      `alter policy a on papers using (firm_id = nullif(current_setting('app.firm', true), '')::int and md5(current_setting('app.pass', true)) = '${value}');`
    const base = `${BEFORE}\n${policy('0123')}`
    const told = await compared(policy('4567'), {}, base)
    expect(told.text).toMatch(/^not known: public\.papers: no session of the application could read a row/m)
    expect(told.text).toMatch(/Of the tables above this is not known\.$/)
    expect(told.code).toBe(1)
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

describe('partywall compare of a sealed schema', () => {
  withOwnServer()
  const OPEN = `drop policy own on papers; create policy own on papers using (true);
    drop policy seal on papers; create policy seal on papers as restrictive using ((select coalesce(t.tenant_id, partywall.tenant_id()) from partywall.ticket t) is not null);`
  it.each([
    ['nothing', '', 0, /^Nobody can see or do more/],
    [
      'policies that open',
      OPEN,
      1,
      /can do more: SELECT on public\.papers as tenant_user: user 1 of tenant 1 on the row of user 3 of tenant 2/,
    ],
    [
      'a policy that closes',
      'create policy nobody on papers as restrictive for select using (false);',
      1,
      /can do less inside its own tenant: SELECT on public\.papers/,
    ],
    [
      'a right that is revoked',
      'revoke delete on papers from tenant_user;',
      1,
      /can do less inside its own tenant: DELETE on public\.papers as tenant_user: .*\(before: done, after: refused\)/,
    ],
    ['an index', 'create index on papers (body);', 0, /^Nobody/],
  ])('tells of %s', async (_change, sql, code, text) => {
    const told = await compared(sql, { appRole: app }, SEALED)
    expect(told.text).toMatch(text)
    expect(told.code).toBe(code)
  })
})
