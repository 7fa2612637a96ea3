// Rights of the entry login beyond its own are decisions: nothing is granted until a person says so, and the printed statements work.
import { spawnSync } from 'node:child_process'
import { cpSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, expect, inject, it } from 'vitest'
import { packageRoot } from '../../src/config/package-root.ts'
import { openThrowAwayServer, type ThrowAwayServer } from '../../src/embedded/throw-away-server.ts'
import { openSession, type Session } from './session.ts'

const APP = join(packageRoot(), 'tests/newcomer/apps/express-pg')
let folder: string
let server: ThrowAwayServer
let database: string
let admin: Session
let migration: string

beforeAll(async () => {
  folder = mkdtempSync(join(tmpdir(), 'partywall-entry-'))
  cpSync(APP, folder, { recursive: true, filter: (path) => !/[/\\](?:node_modules|\.env|\.partywall)$/.test(path) })
  server = await openThrowAwayServer(inject('postgres').url, { external: true, end: async () => {} })
  database = await server.createDatabase()
  const url = server.url(database)
  admin = await openSession(url)
  for (const name of ['001_init.sql', '002_tasks.sql'])
    await admin.query(readFileSync(join(folder, 'migrations', name), 'utf8'))
  await admin.query(`alter table users add last_login_at timestamptz;
    create table api_keys (id uuid primary key default gen_random_uuid(), org_id uuid not null references organizations, key_hash text not null)`)
  writeFileSync(join(folder, '.env'), `DATABASE_URL=${url}\nJWT_SECRET=x\n`)
  const { DATABASE_URL: _url, NODE_ENV: _env, ...rest } = process.env
  const done = spawnSync(process.execPath, [join(packageRoot(), 'dist/cli/main.js'), 'init', '--yes'], {
    cwd: folder,
    encoding: 'utf8',
    env: rest,
  })
  expect(done.stdout + done.stderr).toContain('read TO DECIDE')
  migration = readFileSync(join(folder, 'migrations/003_partywall.sql'), 'utf8')
  await admin.query(migration)
}, 60_000)
afterAll(async () => {
  await admin.end()
  await server.dropDatabase(database)
  const session = await openSession(server.url())
  for (const role of [`${database}_app`, `${database}_entry`]) await session.query(`drop role if exists ${role}`)
  await session.end()
  rmSync(folder, { recursive: true, force: true })
})

/** The commented statements under the decision about a table. */
function decision(table: string): string {
  const lines = migration.slice(migration.indexOf('TO DECIDE. ')).split('\n')
  const at = lines.findIndex((line) => line.startsWith(`-- * ${table} (sign-in)`))
  const end = lines.findIndex((line, index) => index > at && !line.startsWith('--   '))
  return lines
    .slice(at + 1, end)
    .map((line) => line.replace(/^--/, ''))
    .join('\n')
}

const asEntry = async (sql: string) => {
  await admin.query(`begin; set local role ${database}_entry`)
  try {
    return await admin.query(sql)
  } finally {
    await admin.query('rollback')
  }
}

it('the entry login has no right that nobody decided', async () => {
  await expect(asEntry('select key_hash from api_keys')).rejects.toMatchObject({ code: '42501' })
  await expect(asEntry('update users set last_login_at = now()')).rejects.toMatchObject({ code: '42501' })
})

it('the statements under TO DECIDE give it the right that they name, and no other; the down migration takes it back', async () => {
  const [org] = await admin.query("insert into organizations (name) values ('a') returning id")
  await admin.query(`insert into users (org_id, email, password_hash, name) values ('${org?.['id']}', 'a@b.c', 'x', 'admin');
    insert into api_keys (org_id, key_hash) values ('${org?.['id']}', 'h')`)
  // The head of the file says that a statement can be run twice.
  for (const table of ['public.api_keys', 'public.users', 'public.api_keys', 'public.users'])
    await admin.query(decision(table))
  expect(await asEntry('select key_hash from api_keys')).toEqual([{ key_hash: 'h' }])
  expect(await asEntry('update users set last_login_at = now() returning 1 as done')).toEqual([{ done: 1 }])
  await expect(asEntry('update users set org_id = org_id')).rejects.toMatchObject({ code: '42501' })
  await expect(asEntry("update api_keys set key_hash = 'y'")).rejects.toMatchObject({ code: '42501' })
  await admin.query(readFileSync(join(folder, 'migrations/down/003_partywall.down.sql'), 'utf8'))
  const left = await admin.query(`select polname from pg_policy where polname like 'partywall_entry%'`)
  expect(left).toEqual([])
  const rights = await admin.query(
    `select 1 from information_schema.role_column_grants where grantee = '${database}_entry'`,
  )
  expect(rights).toEqual([])
})
