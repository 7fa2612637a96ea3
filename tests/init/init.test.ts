// `partywall init` of the built package, in a copy of an application, on a real database.
import { spawnSync } from 'node:child_process'
import {
  cpSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  writeFileSync,
} from 'node:fs'
import { tmpdir } from 'node:os'
import { join, relative } from 'node:path'
import { parseEnv } from 'node:util'
import { afterEach, beforeEach, describe, expect, inject, it } from 'vitest'
import { packageRoot } from '../../src/config/package-root.ts'
import { openThrowAwayServer, type ThrowAwayServer } from '../../src/embedded/throw-away-server.ts'
import { openSession, type Session } from './session.ts'

const CLI = join(packageRoot(), 'dist/cli/main.js')
const APP = join(packageRoot(), 'tests/newcomer/apps/express-pg')

let folder: string
let server: ThrowAwayServer
let database: string
let url: string
let admin: Session

beforeEach(async () => {
  folder = mkdtempSync(join(tmpdir(), 'partywall-init-'))
  cpSync(APP, folder, { recursive: true, filter: (path) => !/[/\\](?:node_modules|\.env|\.partywall)$/.test(path) })
  server = await openThrowAwayServer(inject('postgres').url, { external: true, end: async () => {} })
  database = await server.createDatabase()
  url = server.url(database)
  admin = await openSession(url)
  writeFileSync(join(folder, '.env'), `DATABASE_URL=${url}\nJWT_SECRET=x\n`)
  for (const name of ['001_init.sql', '002_tasks.sql'])
    await admin.query(readFileSync(join(folder, 'migrations', name), 'utf8'))
})
afterEach(async () => {
  await admin.end()
  await server.dropDatabase(database)
  for (const role of [`${database}_app`, `${database}_entry`]) await dropRole(role)
  rmSync(folder, { recursive: true, force: true })
})

async function dropRole(role: string): Promise<void> {
  const session = await openSession(server.url())
  await session.query(`drop role if exists ${role}`)
  await session.end()
}

function init(args: readonly string[], environment: Readonly<Record<string, string>> = {}) {
  const { DATABASE_URL: _url, NODE_ENV: _env, ...rest } = process.env
  const result = spawnSync(process.execPath, [CLI, 'init', ...args], {
    cwd: folder,
    encoding: 'utf8',
    env: { ...rest, ...environment },
  })
  return { code: result.status, text: result.stdout + result.stderr, out: result.stdout }
}

/** Path to content of all files. */
function files(): Readonly<Record<string, string>> {
  const all = readdirSync(folder, { recursive: true, encoding: 'utf8' }).filter((name) =>
    statSync(join(folder, name)).isFile(),
  )
  return Object.fromEntries(
    all
      .sort()
      .map((name) => [
        relative(folder, join(folder, name)).replaceAll('\\', '/'),
        readFileSync(join(folder, name), 'utf8'),
      ]),
  )
}

async function inDatabase() {
  const roles = await admin.query(`select rolname from pg_roles where rolname like '${database}%' order by 1`)
  const schema = await admin.query("select to_regnamespace('partywall') is not null as there")
  return { roles: roles.map((row) => row['rolname']), schema: schema[0]?.['there'] }
}

const NOTHING = { roles: [], schema: false }

describe('partywall init --dry-run', () => {
  it('names the database that was given, and not the one that it found', () => {
    const { out } = init(['--dry-run', '--database-url', url])
    expect(out).toMatch(/database +\S+ \(--database-url\)/)
    expect(out).not.toContain('DATABASE_URL in .env')
  })

  it('says which server does not answer, and where its address comes from', () => {
    writeFileSync(join(folder, '.env'), 'DB_HOST=127.0.0.1\nDB_PORT=1\nDB_USER=u\nDB_PASSWORD=hush\nDB_NAME=d\n')
    const { code, text } = init(['--dry-run'])
    expect(code).toBe(2)
    expect(text).toContain('It is 127.0.0.1:1, from DB_HOST, DB_PORT, DB_USER, DB_PASSWORD, DB_NAME in .env.')
    expect(text).not.toContain('hush')
  })

  it('says which tables the migration leaves unprotected', async () => {
    await admin.query('alter table comments alter column task_id drop not null')
    expect(init(['--dry-run']).out).toContain('public.comments: the migration does not protect this table yet')
    await admin.query('alter table comments alter column task_id set not null')
    expect(init(['--dry-run']).out).not.toContain('does not protect this table yet')
  })
})

it('gives no rights on the table in which sequelize-cli records its migrations, and asks nothing about it', async () => {
  await admin.query('create table "SequelizeMeta" (name varchar(255) primary key)')
  init(['--yes'])
  expect(files()['migrations/003_partywall.sql']).not.toContain('SequelizeMeta')
})

it('leaves the schema in which a migration tool notes its runs out of the configuration, and no other schema', async () => {
  await admin.query(
    'create schema drizzle; create table drizzle.__drizzle_migrations (id serial primary key, hash text not null)',
  )
  await admin.query('create schema reports; create view reports.open as select * from tasks')
  init(['--yes'])
  expect(files()['partywall.config.mjs']).toContain("schema: ['public', 'reports']")
})

describe('rows of two tenants', () => {
  it('are named, with the query that lists them, before anything is done', async () => {
    const clean = init(['--dry-run']).out
    expect(clean).not.toContain('another tenant')
    const orgs = await admin.query("insert into organizations (name) values ('a'), ('b') returning id")
    const [a, b] = orgs.map((row) => String(row['id']))
    await admin.query(`insert into projects (org_id, name) values ('${a}', 'p')`)
    await admin.query(`insert into users (org_id, email, name, password_hash) values ('${b}', 'b@b', 'b', 'x')`)
    await admin.query(
      'insert into tasks (project_id, assignee_id, title) select p.id, u.id, u.name from projects p, users u',
    )
    const { out } = init(['--dry-run'])
    expect(out).toMatch(
      /public\.tasks: 1 row of public\.tasks refers by assignee_id to a row of public\.users that belongs to another tenant, or to none \(key tasks_assignee_id_fkey\)\. The migration stops/,
    )
    const [query = ''] = /SELECT child\..*;/.exec(out) ?? []
    expect(await admin.query(query)).toMatchObject([{ tenant: a, tenant_of_parent: b }])
  })
})

describe('partywall init --yes --database-url', () => {
  it('writes the URL into .env, where the project and the commands read it, and takes it back', () => {
    const old = 'DATABASE_URL=postgres://old:old@127.0.0.1:1/old'
    writeFileSync(join(folder, '.env'), `${old}\nJWT_SECRET=x\n`)
    const before = files()
    const done = init(['--yes', '--database-url', url])
    expect(done).toMatchObject({ code: 0, text: expect.stringContaining('DATABASE_URL from --database-url') })
    const values = parseEnv(files()['.env'] ?? '')
    expect(values['DATABASE_URL']).toBe(url)
    expect(files()['.env']).toContain(`# before partywall init: ${old}\n`)
    expect(init(['--undo', '--yes']).code).toBe(0)
    expect(files()).toEqual(before)
  })

  it('writes it also where .env has none, and says that parts name another database', () => {
    writeFileSync(join(folder, '.env'), 'DB_HOST=db.internal\nDB_USER=u\nDB_NAME=other\nJWT_SECRET=x\n')
    const { text } = init(['--yes', '--database-url', url])
    expect(text).toContain('.env: DB_HOST, DB_USER, DB_NAME name another database than --database-url')
    expect(parseEnv(files()['.env'] ?? '')['DATABASE_URL']).toBe(url)
  })
})

describe('a project in a folder of its repository', () => {
  it('gets its workflow where GitHub reads it, and takes it back', async () => {
    const repository = mkdtempSync(join(tmpdir(), 'partywall-repo-'))
    const outer = folder
    try {
      mkdirSync(join(repository, '.git'))
      folder = join(repository, 'apps', 'api')
      cpSync(outer, folder, { recursive: true })
      const { text, code } = init(['--yes'])
      expect(code).toBe(0)
      expect(text).toContain('../../.github/workflows/partywall-apps-api.yml')
      const written = readFileSync(join(repository, '.github/workflows/partywall-apps-api.yml'), 'utf8')
      expect(written).toMatch(/defaults:\n +run:\n +working-directory: apps\/api\n/)
      expect(existsSync(join(folder, '.github'))).toBe(false)
      expect(init(['--undo', '--yes']).code).toBe(0)
      expect(readdirSync(repository).sort()).toEqual(['.git', 'apps'])
    } finally {
      folder = outer
      rmSync(repository, { recursive: true, force: true })
    }
  })
})

describe('partywall init --yes', () => {
  it('tells coding agents, where that is asked for, and takes it back', () => {
    writeFileSync(join(folder, 'AGENTS.md'), '# Our rules\n')
    const before = files()
    expect(init(['--yes', '--agents']).code).toBe(0)
    expect(files()['AGENTS.md']).toMatch(/^# Our rules\n\n## Tenant isolation\n/)
    expect(files()['.agents/skills/multi-tenant-security/SKILL.md']).toContain('name: multi-tenant-security')
    expect(init(['--undo', '--yes']).code).toBe(0)
    expect(files()).toEqual(before)
  })

  it('writes what it announced, makes logins without rights, and keeps secrets out of tracked files', async () => {
    const { code, text } = init(['--yes'])
    expect(text).toContain('column org_id')
    expect(code).toBe(0)
    const written = files()
    expect(Object.keys(written)).toEqual(
      expect.arrayContaining([
        'src/partywall.js',
        'migrations/003_partywall.sql',
        'migrations/down/003_partywall.down.sql',
        'partywall.config.mjs',
        'test/tenant-isolation.test.js',
        '.github/workflows/partywall.yml',
      ]),
    )
    // explain and plan then answer for the level as which the written wall runs every statement.
    expect(written['src/partywall.js']).toContain("levelOf: () => 'tenant_admin'")
    expect(written['partywall.config.mjs']).toContain("level: 'tenant_admin',")
    expect(written['src/db.js']).toContain('export const pool = wall.pool')
    expect(written['src/app.js']).toMatch(/app\.use\(requireAuth\)\n {2}app\.use\(tenantContext\)/)
    expect((await inDatabase()).roles).toEqual([`${database}_app`, `${database}_entry`])
    const rights = await admin.query(
      `select count(*)::int as n from information_schema.role_table_grants where grantee like '${database}%'`,
    )
    expect(rights[0]?.['n']).toBe(0)

    const secret = /PARTYWALL_SEAL_SECRET=(\w{64})/.exec(written['.env'] ?? '')?.[1] ?? 'no secret'
    const passwords = [...(written['.env'] ?? '').matchAll(/:([\w-]{24})@/g)].map(([, password = '']) => password)
    expect(passwords).toHaveLength(2)
    for (const [path, content] of Object.entries(written))
      if (path !== '.env')
        for (const each of [secret, ...passwords]) expect(`${path}: ${content.includes(each)}`).toBe(`${path}: false`)
    for (const each of [secret, ...passwords]) expect(text).not.toContain(each)
    expect(written['.gitignore']).toMatch(/^\.partywall$/m)
  })

  it('names psql for the new file, where the runner could run a DROP TABLE again', () => {
    const first = join(folder, 'migrations/001_init.sql')
    writeFileSync(first, `DROP TABLE IF EXISTS organizations CASCADE;\n${readFileSync(first, 'utf8')}`)
    const { code, text } = init(['--yes'])
    expect(code, text).toBe(0)
    expect(text).toMatch(/run the migration: psql "\$DATABASE_URL" .*-f migrations\/003_partywall\.sql/)
    expect(text).toMatch(/Do not use .* unless it records .* 001_init\.sql again/)
  })

  it('changes nothing the second time', async () => {
    init(['--yes'])
    const [before, then] = [files(), await inDatabase()]
    const second = init(['--yes'])
    expect(second).toMatchObject({
      code: 0,
      text: expect.stringContaining('--undo takes it back, as long as the migration was not run'),
    })
    expect(files()).toEqual(before)
    expect(await inDatabase()).toEqual(then)
  })

  it('writes a migration that isolates the tenants, also tables without a tenant column', async () => {
    init(['--yes'])
    const orgs = await admin.query("insert into organizations (name) values ('a'), ('b') returning id")
    const [a, b] = orgs.map((row) => String(row['id']))
    await admin.query(`insert into projects (org_id, name) values ('${a}', 'a'), ('${b}', 'b')`)
    await admin.query('insert into tasks (project_id, title) select id, name from projects')
    await admin.query('insert into comments (task_id, body) select id, title from tasks')
    await admin.query(files()['migrations/003_partywall.sql'] ?? '')
    await admin.query(`begin; set local role tenant_user; select set_config('app.current_tenant_id', '${a}', true)`)
    // Without a seal, not even the own tenant's rows are shown.
    expect(await admin.query('select body from comments')).toEqual([])
    await admin.query('rollback')
    const plain = await admin.query(
      "select relname from pg_class where relname in ('users', 'projects', 'tasks', 'comments', 'organizations') and not relforcerowsecurity",
    )
    expect(plain).toEqual([])
    const rights = await admin.query(
      `select table_name, grantee from information_schema.role_table_grants where grantee = '${database}_app'`,
    )
    expect(rights).toEqual([])
    const refused = init(['--undo', '--yes'])
    expect(refused).toMatchObject({ code: 2, text: expect.stringContaining('down migration first') })
    expect(refused.text).toContain('protect 5 tables (comments, organizations, projects, tasks, users)')
    expect(refused.text).toContain('psql "$DATABASE_URL" -f migrations/down/003_partywall.down.sql, and remove')
    await admin.query(files()['migrations/down/003_partywall.down.sql'] ?? '')
    expect(init(['--undo', '--yes'])).toMatchObject({ code: 0, text: expect.stringContaining('dropped') })
    expect(await inDatabase()).toEqual(NOTHING)
  })
})

describe('partywall init --undo', () => {
  it('leaves the folder and the database as they were', async () => {
    const before = files()
    init(['--yes'])
    const undone = init(['--undo', '--yes'])
    expect(undone.code).toBe(0)
    expect(files()).toEqual(before)
    expect(existsSync(join(folder, '.partywall'))).toBe(false)
    expect(await inDatabase()).toEqual(NOTHING)
  })

  it('only shows what it would do with --dry-run, and neither asks nor does it', async () => {
    init(['--yes'])
    writeFileSync(join(folder, 'src/partywall.js'), '// mine now\n')
    const [before, then] = [files(), await inDatabase()]
    const shown = init(['--undo', '--dry-run'])
    expect(shown.code).toBe(0)
    expect(shown.text).toContain('remove   migrations/003_partywall.sql')
    expect(shown.text).toContain('restore  src/db.js')
    expect(shown.text).toContain('keep     src/partywall.js')
    expect(shown.text).toContain(`drop     the logins ${database}_app, ${database}_entry and the schema partywall`)
    expect(shown.text).toContain('Nothing was done')
    expect(init(['--undo', '--dry-run', '--yes']).code).toBe(0)
    const planned = JSON.parse(init(['--undo', '--dry-run', '--json']).out)
    expect(planned).toMatchObject({ status: 'undo-planned', kept: ['src/partywall.js'], refusal: null })
    expect(files()).toEqual(before)
    expect(await inDatabase()).toEqual(then)
  })

  it('says with --dry-run that it would refuse, because the migration was applied', async () => {
    init(['--yes'])
    await admin.query(files()['migrations/003_partywall.sql'] ?? '')
    const { code, text } = init(['--undo', '--dry-run'])
    expect(text).toMatch(/--undo would refuse now: .*so the migration was applied/)
    expect(code).toBe(0)
  })

  it('gives PUBLIC its rights again, and leaves no default privileges', async () => {
    const rights = async () =>
      (
        await admin.query(`select has_database_privilege('public', current_database(), 'temporary') as temporary,
          has_schema_privilege('public', 'public', 'create') as create, (select count(*)::int from pg_default_acl) as defaults`)
      )[0]
    await admin.query(`grant temporary on database ${database} to public; grant create on schema public to public`)
    const before = await rights()
    expect(before).toEqual({ temporary: true, create: true, defaults: 0 })
    expect(init(['--yes']).text).toContain('PUBLIC loses the right to make temporary tables')
    expect(await rights()).toMatchObject({ temporary: false, create: false })
    expect(init(['--undo', '--yes']).code).toBe(0)
    expect(await rights()).toEqual(before)
  })

  it('takes its lines out of a file that ended without a line break', () => {
    writeFileSync(join(folder, '.env.example'), 'PORT=3000')
    const before = files()
    init(['--yes'])
    expect(files()['.env.example']).toMatch(/^PORT=3000\n\n# partywall: [\s\S]*\nDATABASE_URL=postgres:/)
    expect(init(['--undo', '--yes']).code).toBe(0)
    expect(files()).toEqual(before)
  })

  it('keeps and names a file that was changed since', () => {
    init(['--yes'])
    writeFileSync(join(folder, 'src/partywall.js'), '// mine now\n')
    const { text } = init(['--undo', '--yes'])
    expect(text).toContain('kept     src/partywall.js')
    expect(files()['src/partywall.js']).toBe('// mine now\n')
  })
})

describe('nothing is half done', () => {
  it('after a file that can not be written', async () => {
    writeFileSync(join(folder, '.github'), 'a file where a folder is needed')
    const before = files()
    const { code, text } = init(['--yes'])
    expect(code).toBe(2)
    expect(text).toContain("can't be written")
    expect(files()).toEqual(before)
    expect(await inDatabase()).toEqual(NOTHING)
  })

  it('if a file is in the way', async () => {
    writeFileSync(join(folder, 'src/partywall.js'), 'mine')
    const before = files()
    expect(init(['--yes'])).toMatchObject({ code: 2, text: expect.stringContaining('src/partywall.js exists already') })
    expect(files()).toEqual(before)
    expect(await inDatabase()).toEqual(NOTHING)
  })

  it('with --dry-run, and without a terminal to ask on', async () => {
    const before = files()
    expect(init(['--dry-run']).code).toBe(0)
    expect(init([])).toMatchObject({ code: 2, text: expect.stringContaining('--yes') })
    const planned = JSON.parse(init(['--dry-run', '--json']).out)
    expect(planned).toMatchObject({
      status: 'planned',
      found: { framework: 'express', orm: 'pg' },
      tenants: { column: 'org_id' },
    })
    expect(files()).toEqual(before)
    expect(await inDatabase()).toEqual(NOTHING)
  })

  it('if git tracks the file into which the secrets would go', async () => {
    for (const args of [
      ['init', '-q'],
      ['add', '-f', '.env'],
    ])
      spawnSync('git', args, { cwd: folder })
    expect(init(['--yes'])).toMatchObject({ code: 2, text: expect.stringContaining('git rm --cached .env') })
    expect(files()['.env']).not.toContain('PARTYWALL')
    expect(await inDatabase()).toEqual(NOTHING)
  })

  it('before the first migration of the application', async () => {
    await admin.query('drop table comments, tasks, projects, users, organizations')
    expect(init(['--yes'])).toMatchObject({ code: 2, text: expect.stringContaining('Run your migrations first') })
    expect(await inDatabase()).toEqual(NOTHING)
  })

  it('by a role that may not make logins', async () => {
    await admin.query(`create role ${database}_weak login password 'x'`)
    const weak = server.urlAs(`${database}_weak`, 'x', database)
    const { code, text } = init(['--yes', '--database-url', weak])
    expect(text).toContain('CREATEROLE')
    expect(code).toBe(2)
    await admin.query(`drop role ${database}_weak`)
    expect(await inDatabase()).toEqual(NOTHING)
  })

  it('on a database that looks like production, unless one says so', async () => {
    const before = files()
    const refused = init(['--yes'], { NODE_ENV: 'production' })
    expect(refused).toMatchObject({ code: 2, text: expect.stringContaining('NODE_ENV is production') })
    expect(files()).toEqual(before)
    expect(await inDatabase()).toEqual(NOTHING)
    expect(init(['--yes', '--yes-production'], { NODE_ENV: 'production' }).code).toBe(0)
  })
})
