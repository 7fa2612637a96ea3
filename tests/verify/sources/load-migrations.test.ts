import { createHash } from 'node:crypto'
import { mkdir, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import pg from 'pg'
import { afterAll, beforeAll, describe, expect, inject, it, vi } from 'vitest'
import { packageRoot } from '../../../src/config/package-root.ts'
import { openThrowAwayServer, type ThrowAwayServer } from '../../../src/embedded/throw-away-server.ts'
import { loadMigrations } from '../../../src/verify/sources/load-migrations.ts'
import type { PreparedSource } from '../../../src/verify/sources/prepared-source.ts'

let server: ThrowAwayServer
let folder: string
const open: PreparedSource[] = []

beforeAll(async () => {
  server = await openThrowAwayServer(inject('postgres').url, { external: true, end: async () => {} })
  folder = await mkdtemp(join(tmpdir(), 'partywall-sources-'))
})

afterAll(async () => {
  for (const source of open) await source.close()
  await rm(folder, { recursive: true, force: true })
})

async function load(files: Readonly<Record<string, string>>): Promise<PreparedSource> {
  const path = await mkdtemp(join(folder, 'm-'))
  for (const [name, text] of Object.entries(files)) {
    await mkdir(join(path, name, '..'), { recursive: true })
    await writeFile(join(path, name), text)
  }
  const source = await loadMigrations({ path, server })
  open.push(source)
  return source
}

async function ask(source: PreparedSource, text: string): Promise<unknown[]> {
  const client = new pg.Client({ connectionString: source.url })
  await client.connect()
  try {
    return (await client.query({ text, rowMode: 'array' })).rows.flat()
  } finally {
    await client.end()
  }
}

const tables = "select relname from pg_class where relnamespace = 'public'::regnamespace and relkind = 'r' order by 1"
/** Roles belong to the whole server, which other tests use too. */
const roleName = () => `named_${Math.random().toString(36).slice(2, 10)}`

describe('loadMigrations', () => {
  it("builds the example's schema, partywall's own objects first, with a seal key of its own", async () => {
    const source = await loadMigrations({ path: join(packageRoot(), 'migrations'), server })
    open.push(source)
    expect(await ask(source, tables)).toEqual(['documents', 'projects', 'tenants', 'users'])
    expect(source.sealSecret).toMatch(/^[0-9a-f]{64}$/)
    expect(source.notes.join('\n')).toContain("partywall's own migrations first")
    // They are told apart from the files that were given.
    expect(source.files.map(({ name }) => name).filter((name) => name.includes('0001_seal'))).toEqual([])
    const seal = source.ownFiles.find(({ name }) => name === '0001_seal.sql')
    const bytes = await readFile(join(packageRoot(), 'migrations', 'partywall', '0001_seal.sql'))
    expect(seal).toEqual({
      name: '0001_seal.sql',
      bytes: bytes.length,
      sha256: createHash('sha256').update(bytes).digest('hex'),
    })
    expect(source.notes.join('\n')).toContain('enable-rls-policies.sql')
    expect(source.gaps).toEqual([])
    expect(source.locate('public.users')).toEqual({
      file: join(packageRoot(), 'migrations', '0001_example_schema.sql'),
      line: expect.any(Number),
    })
  })

  it('reads *.sql bytewise by name and no down migration', async () => {
    const source = await load({
      'b.sql': 'create table second (id int references first)',
      'Z.sql': 'create table first (id int primary key)',
      'b.down.sql': 'drop table second',
      'down/a.sql': 'drop table first',
      'notes.txt': 'no sql',
      'c.sql': '-- what partywall verify found\nselect 1 -- partywall\n;',
    })
    expect(await ask(source, tables)).toEqual(['first', 'second'])
    expect(source.notes.join('\n')).toContain('b.down.sql')
    expect(source.sealSecret).toBeUndefined()
    expect(await ask(source, "select to_regnamespace('partywall')")).toEqual([null])
  })

  it('runs what brings its own transaction and what refuses one', async () => {
    const source = await load({
      '1.sql': 'begin; create table t (a int); commit; create index concurrently t_a on t (a);',
      '2.sql': 'vacuum t; begin; create table gone (); rollback;',
    })
    expect(await ask(source, tables)).toEqual(['t'])
    expect(await ask(source, "select indisvalid from pg_index where indrelid = 't'::regclass")).toEqual([true])
  })

  it('runs each file in a session like one of its own', async () => {
    const source = await load({
      '1.sql': `create schema app; create table app.seen (line text);
        set search_path = app; create temporary table scratch (id int); prepare again as select 1; select pg_advisory_lock(7);
        insert into seen values ('one');`,
      '2.sql': `insert into app.seen select 'path ' || current_setting('search_path');
        insert into app.seen select 'scratch ' || coalesce(to_regclass('scratch')::text, 'gone');
        insert into app.seen select 'prepared ' || count(*) from pg_prepared_statements;
        insert into app.seen select 'locks ' || count(*) from pg_locks where locktype = 'advisory' and pid = pg_backend_pid();
        do $$ begin execute format('alter database %I set search_path = app', current_database()); end $$;`,
      '3.sql': `insert into seen values ('a stored setting holds');`,
    })
    expect(await ask(source, 'select line from app.seen')).toEqual([
      'one',
      'path "$user", public',
      'scratch gone',
      'prepared 0',
      'locks 0',
      'a stored setting holds',
    ])
  })

  it('creates roles that files only name, in and outside a transaction, and says so', async () => {
    const [owner, reader, odd, inBlock] = [roleName(), roleName(), `Odd "${roleName()}`, roleName()]
    const quoted = pg.escapeIdentifier(odd)
    const source = await load({
      '1.sql': `create table t (a int); alter table t owner to ${owner}; grant select on t to ${reader};
        begin; create table u (a int);
        create policy p on u to ${quoted} using (true); alter default privileges for role ${owner} grant select on tables to ${reader};
        do $$ begin grant select on t to ${inBlock}; end $$;
        commit;`,
    })
    expect(source.rolesAdded).toEqual([owner, reader, odd, inBlock])
    expect(source.notes.join('\n')).toContain(owner)
    expect(source.gaps.join('\n')).toContain(reader)
    expect(await ask(source, `select rolcanlogin from pg_roles where rolname = '${owner}'`)).toEqual([false])
    expect(await ask(source, `select has_table_privilege('${inBlock}', 't', 'select')`)).toEqual([true])
    await source.close()
    open.splice(open.indexOf(source), 1)
    const client = new pg.Client({ connectionString: server.url() })
    await client.connect()
    const left = await client.query('select 1 from pg_roles where rolname = any($1)', [[owner, reader, odd, inBlock]])
    await client.end()
    expect(left.rowCount).toBe(0)
  })

  it('runs on when another session creates the same role at the same moment', async () => {
    const role = roleName()
    const other = new pg.Client({ connectionString: inject('postgres').url })
    await other.connect()
    try {
      await other.query(`begin; create role ${role} nologin`)
      const loading = load({ '001.sql': `begin; create role ${role} nologin; create table kept (id int); commit;` })
      await vi.waitFor(
        async () => {
          const { rows } = await other.query(
            'select 1 from pg_locks where not granted and pg_backend_pid() = any(pg_blocking_pids(pid))',
          )
          expect(rows).toHaveLength(1)
        },
        { timeout: 60_000, interval: 20 },
      )
      await other.query('commit')
      expect(await ask(await loading, tables)).toEqual(['kept'])
    } finally {
      await other.end()
    }
  })

  it('reads a dump and says what it can not hold', async () => {
    const source = await load({
      'schema.sql': `--
-- PostgreSQL database dump
--

\\restrict UoMm2

SELECT pg_catalog.set_config('search_path', '', false);
CREATE TABLE public.notes (id integer NOT NULL, body text);
COPY public.notes (id, body) FROM stdin;
1\tone
\\.
ALTER TABLE ONLY public.notes ENABLE ROW LEVEL SECURITY;

\\unrestrict UoMm2
`,
    })
    expect(await ask(source, 'select count(*)::int from public.notes')).toEqual([0])
    expect(source.notes.join('\n')).toMatch(/written by pg_dump, 1 row of COPY blocks left out/)
    expect(source.gaps.join('\n')).toMatch(/role attributes[\s\S]*grants on the database/)
  })

  it('names file and line of what the server refuses', async () => {
    for (const [sql, line] of [
      ["select 1;\n\nselect '😀😀',\n  nothing;", 4],
      ['select 1;\ncreate table t (a int);\ncreate table t (a int);', 3],
      ['select 1;\ncreate tabel t ();', 2],
      ['select 1;\nbegin;\ncreate table open_end ();', 2],
      ['select 1;\n\\connect other', 2],
    ] as const) {
      await expect(load({ 'first.sql': 'select 1', 'second.sql': sql })).rejects.toMatchObject({
        code: 'PARTYWALL_CONFIGURATION',
        message: expect.stringContaining(`second.sql:${line}: `),
        details: { line },
      })
    }
  })

  it('refuses what is no migration with a sentence', async () => {
    await expect(loadMigrations({ path: join(folder, 'nowhere'), server })).rejects.toThrow('no such file or folder')
    await expect(load({ 'down/x.sql': '' })).rejects.toThrow('no *.sql')
    await expect(load({ 'a.sql': 'PGDMP\u0001' })).rejects.toThrow('a.sql:1: ')
    await writeFile(join(folder, 'latin.sql'), Buffer.from("select '\xe4'", 'latin1'))
    await expect(loadMigrations({ path: join(folder, 'latin.sql'), server })).rejects.toThrow('UTF-8')
  })

  it('reads standard input and the folders of Prisma', async () => {
    const fromInput = await loadMigrations({
      path: '-',
      server,
      standardInput: async () => Buffer.from('create table piped ()'),
    })
    open.push(fromInput)
    expect(await ask(fromInput, tables)).toEqual(['piped'])
    const prisma = await load({
      'migration_lock.toml': 'provider = "postgresql"',
      '20260101_init/migration.sql': 'create table a (id int primary key)',
      '20260102_more/migration.sql': 'create table b (id int references a)',
    })
    expect(await ask(prisma, tables)).toEqual(['a', 'b'])
  })
})

describe('what a hosted platform brings', () => {
  const supabase = `create extension if not exists pg_cron;
    create table public.orgs (id uuid primary key, name text);
    create table public.notes (org_id uuid references public.orgs, author uuid references auth.users (id), body text);
    alter table public.notes enable row level security;
    alter publication supabase_realtime add table public.notes;
    create policy own on public.notes to authenticated using (org_id = ((auth.jwt() -> 'app_metadata') ->> 'org_id')::uuid);`

  it("makes Supabase's schema auth, roles and rights where files lean on them, says so, and leaves nothing else", async () => {
    const source = await load({
      '1_init.sql': supabase,
      '2_more.sql': 'create role anon; create table public.later ()',
    })
    expect(source.notes.join('\n')).toContain('the files use objects of Supabase and do not create them')
    expect(source.gaps.join('\n')).toContain('extension pg_cron')
    const rights = "select has_table_privilege('authenticated', 'public.later', $1::text)"
    expect(await ask(source, rights.replace('$1::text', "'insert'"))).toEqual([true])
    expect(await ask(source, rights.replace('$1::text', "'truncate'"))).toEqual([false])
    expect(await ask(source, 'select count(*)::int from pg_default_acl')).toEqual([0])
    expect(await ask(source, 'select count(*)::int from pg_publication')).toEqual([0])
    expect(await ask(source, "select rolbypassrls from pg_roles where rolname = 'service_role'")).toEqual([true])
  })

  it('takes what the files make themselves, and points at a schema that nobody makes', async () => {
    const own = await load({
      '1.sql': 'create schema auth; create function auth.uid() returns uuid language sql return null::uuid',
      '2.sql': 'create table t (id uuid default auth.uid())',
    })
    expect(own.notes.join('\n')).not.toContain('Supabase')
    await expect(load({ '1.sql': 'create table vendor.t ()' })).rejects.toThrow(
      /1\.sql:1: .*schema "vendor" does not exist\. If your platform creates objects/s,
    )
  })
})
