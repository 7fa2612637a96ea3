import { spawn } from 'node:child_process'
import { randomBytes } from 'node:crypto'
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, inject, it, vi } from 'vitest'
import { describeError } from '../../cli/shared/terminal.ts'
import { runVerify } from '../../cli/verify/run-verify.ts'
import { packageRoot } from '../../src/config/package-root.ts'
import { rlsDisabled } from '../../src/verify/rules/rls-disabled.ts'
import { createTestDatabase } from '../setup/database.ts'
import { junitProblems } from '../verify/formats/junit-shape.ts'
import { sarifProblems } from '../verify/formats/sarif-schema.ts'

let folder: string

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'partywall-cli-'))
  // The server of the test run in place of one started for each.
  vi.stubEnv('PARTYWALL_POSTGRES_URL', inject('postgres').url)
  vi.spyOn(console, 'error').mockImplementation(() => {})
})

afterAll(async () => {
  vi.unstubAllEnvs()
  vi.restoreAllMocks()
  await rm(folder, { recursive: true, force: true })
})

interface Run {
  readonly code: number
  readonly text: string
}

async function verify(flags: Readonly<Record<string, unknown>>): Promise<Run> {
  const output = join(folder, randomBytes(4).toString('hex'))
  const code = await runVerify({ output, ...flags })
  return { code, text: await readFile(output, 'utf8') }
}

async function file(name: string, text: string): Promise<string> {
  const path = join(folder, name)
  await writeFile(path, text)
  return path
}

async function filledDatabase(sql: string): Promise<string> {
  const database = await createTestDatabase({ migrated: false })
  await database.admin(sql)
  return database.adminUrl
}

/** A schema that anybody would flag; its roles are its own, since roles belong to the whole server. */
function leaky(): { readonly sql: string; readonly app: string } {
  const app = `leaky_${randomBytes(4).toString('hex')}`
  return {
    app,
    sql: `create role ${app} login;
      create table tenants (id uuid primary key);
      create table notes (id int primary key, tenant_id uuid not null references tenants, body text);
      grant select, insert, update, delete on notes to ${app};`,
  }
}

describe('partywall verify', () => {
  it("holds on the example's migrations", async () => {
    const migrations = join(packageRoot(), 'migrations')
    const { code, text } = await verify({ migrations, format: 'json', appRole: 'app' })
    const report = JSON.parse(text)
    expect(report.findings.filter((finding: { severity: string }) => finding.severity !== 'info')).toEqual([])
    expect(code).toBe(0)
    expect(report.summary).toMatchObject({ exitCode: 0, sealed: true, mode: 'attack' })
    // The title says "all queries": the line must say of which tables, and under which condition.
    const line = report.checklist.find(({ title }: { title: string }) => title.startsWith('RLS policies enforce'))
    expect(line).toMatchObject({
      verdict: 'proved',
      detail: expect.stringMatching(/only for tenant tables, .*if the setting names the right tenant/),
    })
  })

  it('exits 1 with one policy taken away, and names table, file and the SQL that mends it', async () => {
    const source = join(packageRoot(), 'migrations')
    const policies = await readFile(join(source, 'enable-rls-policies.sql'), 'utf8')
    for (const name of ['tenant_isolation_policy', 'tenant_seal_policy']) {
      const migrations = await mkdtemp(join(folder, 'weaker-'))
      await writeFile(join(migrations, '1.sql'), await readFile(join(source, '0001_example_schema.sql'), 'utf8'))
      const weaker = policies.replace(new RegExp(`CREATE POLICY ${name} ON public.documents [^;]*;`), '')
      expect(weaker).not.toBe(policies)
      await writeFile(join(migrations, '2.sql'), weaker)
      const { code, text } = await verify({ migrations, appRole: 'app' })
      expect(code, text).toBe(1)
      expect(text).toMatch(/public\.documents .*1\.sql:\d+/)
      expect(text).toContain(`CREATE POLICY ${name}`)
    }
  })

  it('finds a table without row security, names where it is made, and exits 1 in every format', async () => {
    const { sql, app } = leaky()
    const migrations = await file('leaky.sql', sql)
    const fix = join(folder, 'fix.sql')
    for (const format of ['pretty', 'json', 'sarif', 'junit', 'markdown', 'html']) {
      // The attacks make no difference between formats.
      const flags = format === 'json' ? { fix } : { static: true }
      const { code, text } = await verify({ migrations, appRole: app, format, ...flags })
      expect(code, format).toBe(1)
      expect(text, format).toContain('public.notes')
      if (format === 'sarif') expect(sarifProblems(JSON.parse(text))).toEqual([])
      if (format === 'junit') expect(junitProblems(text)).toEqual([])
    }
    const repaired = await file('repaired.sql', `${sql}\n${await readFile(fix, 'utf8')}`)
    expect((await verify({ migrations: repaired, appRole: app, failOn: 'critical' })).code).toBe(0)
    const { text } = await verify({ migrations, appRole: app, format: 'pretty' })
    expect(text).toMatch(/rls-disabled.*leaky\.sql:3/)
  }, 120_000)

  it('judges a database in which each tenant has a schema, and says that its fixes were not tried', async () => {
    const app = `cli_${randomBytes(4).toString('hex')}`
    const schema = (
      name: string,
    ) => `create schema ${name}; create table ${name}.members (id int primary key, name text not null);
      grant usage on schema ${name} to ${app}; grant select on ${name}.members to ${app};`
    const migrations = await file('fleet.sql', `create role ${app} login; ${schema('gym_iron')} ${schema('gym_zen')}`)
    const { code, text } = await verify({ migrations, appRole: app })
    expect(code).toBe(1)
    expect(text).toMatch(/schema-table-unwalled/)
    expect(text).toMatch(/Not shown to be harmless: a\s+trial needs a table that several tenants share/)
  })

  it('writes several reports of one run', async () => {
    const { sql, app } = leaky()
    const migrations = await file('several.sql', sql)
    const [sarif, html] = [join(folder, 'several.sarif'), join(folder, 'several.html')]
    const report = [`sarif=${sarif}`, `html=${html}`]
    const { code, text } = await verify({ migrations, appRole: app, static: true, report })
    expect(code).toBe(1)
    expect(text).toContain('rls-disabled')
    expect(sarifProblems(JSON.parse(await readFile(sarif, 'utf8')))).toEqual([])
    expect(await readFile(html, 'utf8')).toMatch(/^<!doctype html>[\s\S]*rls-disabled/i)
    for (const wrong of ['pdf=x', 'html', 'html='])
      await expect(verify({ migrations, report: [wrong] })).rejects.toThrow(/FORMAT=FILE, with one of pretty, json/)
    const unwritable = `html=${join(folder, 'absent', 'x.html')}`
    await expect(verify({ migrations, appRole: app, static: true, report: [unwritable] })).rejects.toThrow(
      /--report .*x\.html can't be written/,
    )
  }, 60_000)

  it('gives the same JSON for the same schema', async () => {
    const { sql, app } = leaky()
    const databaseUrl = await filledDatabase(sql)
    const run = () => verify({ databaseUrl, appRole: app, attack: true, format: 'json' })
    const first = await run()
    expect(first.code).toBe(1)
    expect((await run()).text).toBe(first.text)
  })

  it('counts what a baseline accepts no more, and tells what it accepts in vain', async () => {
    const { sql, app } = leaky()
    const migrations = await file('accepted.sql', sql)
    const found = JSON.parse((await verify({ migrations, appRole: app, format: 'json' })).text)
    const accept = found.findings.map((finding: { key: string }) => ({ key: finding.key, reason: 'known' }))
    accept.push({ key: 'rls-disabled:public.gone', reason: 'old' })
    const baseline = await file('baseline.json', JSON.stringify({ version: 1, accept }))
    const { code, text } = await verify({ migrations, appRole: app, format: 'json', baseline })
    expect(code).toBe(0)
    expect(JSON.parse(text)).toMatchObject({
      findings: [],
      accepted: expect.arrayContaining([
        expect.objectContaining({ key: 'rls-disabled:public.notes', reason: 'known' }),
      ]),
      warnings: [expect.stringContaining('public.gone')],
    })
  })

  it('reads options from a file, and lets the command line win', async () => {
    const { sql, app } = leaky()
    const migrations = await file('configured.sql', sql)
    const config = await file(
      'config.json',
      JSON.stringify({ databaseUrl: 'postgres://nowhere/x', appRole: app, failOn: 'low' }),
    )
    const { code, text } = await verify({ migrations, config, static: true, format: 'json' })
    expect(code).toBe(1)
    expect(JSON.parse(text)).toMatchObject({ failOn: 'low', summary: { mode: 'static', appRole: app } })
    const wrong = await file('wrong.json', JSON.stringify({ appRoel: 'x', timeout: '5' }))
    await expect(verify({ migrations, config: wrong })).rejects.toThrow(/timeout[\s\S]*appRoel/)
  })
})

describe('a schema that the migrations do not make', () => {
  const run = async (flags: object, named: readonly string[]) => {
    const { sql, app } = leaky()
    const migrations = await file('journal.sql', sql)
    const config = await file('journal.json', JSON.stringify({ appRole: app, schema: named }))
    return verify({ migrations, config, static: true, format: 'json', ...flags })
  }

  it('is a note if a file of settings names it, such as that of a migration tool', async () => {
    const { code, text } = await run({}, ['drizzle', 'public'])
    const { notes, findings } = JSON.parse(text)
    expect(notes).toEqual(
      expect.arrayContaining([expect.stringMatching(/^the schema drizzle of the configuration is not made/)]),
    )
    expect(findings).toEqual(expect.arrayContaining([expect.objectContaining({ rule: 'rls-disabled' })]))
    expect(code).toBe(1)
  })

  it('is an error if the command line names it, or if no other is left', async () => {
    await expect(run({ schema: ['drizzle', 'public'] }, ['public'])).rejects.toThrow('There is no schema "drizzle"')
    await expect(run({}, ['drizzle'])).rejects.toThrow('There is no schema "drizzle"')
  })
})

describe('what partywall verify can not run', () => {
  const cases: Readonly<Record<string, readonly [() => Promise<Record<string, unknown>>, RegExp]>> = {
    'without a source': [async () => ({}), /--database-url URL, --migrations DIR or --run/],
    'with what is no URL': [async () => ({ databaseUrl: 'localhost' }), /--database-url is not a PostgreSQL URL/],
    'where no server answers': [async () => ({ databaseUrl: 'postgres://a:b@127.0.0.1:1/c' }), /does not answer/],
    'with a database that is not there': [
      async () => {
        const url = new URL((await createTestDatabase()).adminUrl)
        url.pathname = '/nobody_made_it'
        return { databaseUrl: url.href }
      },
      /^The URL of the database: the server has no such database\.$/,
    ],
    'with a wrong password': [
      async () => {
        const url = new URL((await createTestDatabase()).appUrl)
        url.password = 'wrong'
        return { databaseUrl: url.href }
      },
      /^The URL of the database: the server refuses this user or password\.$/,
    ],
    'for a role that is not there': [
      async () => ({ databaseUrl: (await createTestDatabase()).adminUrl, appRole: 'nobody_knows' }),
      /no role "nobody_knows"/,
    ],
    'on a schema without a tenant column': [
      async () => ({ migrations: await file('plain.sql', 'create table plain (a int)') }),
      /^No tenant column was found\. Name it with --tenant-column NAME\.$/,
    ],
    'where several roles could be the app': [
      async () => {
        const [a, b] = [leaky(), leaky()]
        return {
          migrations: await file('two.sql', `${a.sql} create role ${b.app} login; grant select on notes to ${b.app}`),
        }
      },
      /Several roles.*leaky_\w+.*leaky_\w+.*--app-role/,
    ],
    'on a migration that the server refuses': [
      async () => ({ migrations: await file('broken.sql', 'create table a (i int);\ncreate table a (i int);') }),
      /broken\.sql:2: .*already exists/,
    ],
    'with a command that fails': [async () => ({ run: `"${process.execPath}" -e "process.exit(7)"` }), /exit code 7/],
    'with a role that lacks rights': [
      async () => ({ databaseUrl: (await createTestDatabase()).appUrl, appRole: 'app_across', attack: true }),
      /can't act as app_across, partywall_cross.*GRANT app_across TO app WITH INHERIT FALSE; Or use/,
    ],
    'in the time that it has': [
      async () => ({ run: `"${process.execPath}" -e "setInterval(() => {}, 1000)"`, timeout: 1 }),
      /--timeout/,
    ],
  }
  for (const [name, [flags, sentence]] of Object.entries(cases)) {
    it(`is said in a sentence: ${name}`, async () => {
      const given = await flags()
      vi.stubEnv('DATABASE_URL', '')
      const error: unknown = await verify(given).catch((reason: unknown) => reason)
      expect(error).toMatchObject({ code: 'PARTYWALL_CONFIGURATION', message: expect.stringMatching(sentence) })
      // As the program says it, before it ends with exit code 2: no stack.
      expect(describeError(error)).toBe(`partywall: ${error instanceof Error ? error.message : ''}`)
    })
  }

  it('is said in a sentence: when the connection breaks in the middle', async () => {
    const { sql, app } = leaky()
    const databaseUrl = await filledDatabase(`${sql}
      create function cut() returns trigger language plpgsql as $$ begin perform pg_terminate_backend(pg_backend_pid()); return new; end $$;
      create trigger cut before insert on notes for each row execute function cut()`)
    const error: unknown = await verify({ databaseUrl, appRole: app, attack: true }).catch((reason: unknown) => reason)
    expect(describeError(error)).toMatch(
      /^partywall: The connection to the database broke\. .*rolled everything back[^\n]*$/,
    )
  })

  it('is exit code 2, and said, where a rule of its own breaks', async () => {
    const broken = vi.spyOn(rlsDisabled, 'run').mockImplementation(() => {
      throw new TypeError('it breaks')
    })
    try {
      const { sql, app } = leaky()
      const migrations = await file('internal.sql', sql)
      for (const format of ['pretty', 'json', 'sarif', 'junit', 'markdown', 'html']) {
        const { code, text } = await verify({ migrations, appRole: app, static: true, format })
        expect(code, format).toBe(2)
        expect(text, format).toContain('rule rls-disabled')
        expect(text, format).toContain('it breaks')
      }
    } finally {
      broken.mockRestore()
    }
  })

  it('never tells a password', async () => {
    await expect(verify({ databaseUrl: 'postgres://a:hunter2@127.0.0.1:1/c' })).rejects.not.toThrow('hunter2')
    await expect(verify({ databaseUrl: 'http://a:hunter2@127.0.0.1:1/c' })).rejects.not.toThrow('hunter2')
  })
})

describe('the program', () => {
  const program = join(packageRoot(), 'dist', 'cli', 'main.js')

  it('ends with exit code 2 and one sentence, without a stack, where it could not run', async () => {
    const broken = await file('unreadable.sql', 'create table a (i int);\n\\connect other\n')
    for (const [flags, sentence] of [
      [['--database-url', 'postgres://a:b@127.0.0.1:1/c'], /does not answer/],
      [['--migrations', broken], /unreadable\.sql:2: /],
      [['--database-url', 'postgres://a:b@127.0.0.1:1/c', '--no-such-flag'], /unknown option/],
    ] as const) {
      const child = spawn(process.execPath, [program, 'verify', ...flags], { stdio: ['ignore', 'pipe', 'pipe'] })
      let said = ''
      child.stderr.on('data', (chunk: Buffer) => {
        said += chunk.toString()
      })
      expect(await new Promise((resolve) => child.once('close', resolve)), said).toBe(2)
      expect(said).toMatch(sentence)
      expect(said).not.toMatch(/^\s+at /m)
    }
  })

  it('ends with exit code 2 and leaves no server when it is interrupted', async () => {
    const env = { ...process.env, PARTYWALL_POSTGRES_URL: '' }
    const command = `"${process.execPath}" -e "console.log(process.env.PGPORT); setInterval(() => {}, 1000)"`
    const child = spawn(process.execPath, [program, 'verify', '--run', command], {
      env,
      stdio: ['ignore', 'pipe', 'pipe'],
    })
    let errors = ''
    let interrupted = false
    child.stderr.on('data', (chunk: Buffer) => {
      errors += chunk.toString()
      if (interrupted || !errors.includes('the command runs')) return
      interrupted = child.kill('SIGINT')
    })
    const code = await new Promise((resolve) => child.once('close', resolve))
    expect(errors).toContain('Interrupted by SIGINT')
    expect(code).toBe(2)
  })

  for (const signal of ['SIGINT', 'SIGTERM'] as const)
    it(`leaves no row, session or lock in a database whose attack is interrupted by ${signal}`, async () => {
      const { sql, app } = leaky()
      const database = await createTestDatabase({ migrated: false })
      await database.admin(`${sql}
      create function slow() returns trigger language plpgsql as $$ begin perform pg_sleep(5); return new; end $$;
      create trigger slow before insert on notes for each row execute function slow()`)
      const sessions = async (where: string) => {
        const text = `select count(*)::int as n from pg_stat_activity
        where datname = $1 and application_name = 'partywall verify' ${where}`
        return (await database.admin(text, [database.name])).rows[0].n
      }
      const flags = ['verify', '--database-url', database.adminUrl, '--app-role', app, '--attack']
      const child = spawn(process.execPath, [program, ...flags], { stdio: 'ignore' })
      const closed = new Promise((resolve) => child.once('close', resolve))
      await vi.waitFor(async () => expect(await sessions("and wait_event = 'PgSleep'")).toBe(1), 20_000)
      child.kill(signal)
      expect(await closed).toBe(2)
      await vi.waitFor(async () => expect(await sessions('')).toBe(0), 20_000)
      const { rows } = await database.admin('select (select count(*) from notes) + (select count(*) from tenants) as n')
      expect(rows).toEqual([{ n: '0' }])
    })
})
