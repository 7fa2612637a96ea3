import { spawnSync } from 'node:child_process'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { afterEach, beforeAll, describe, expect, it, vi } from 'vitest'
import { runPlan } from '../../cli/plan/run-plan.ts'
import { createTwoTenants, type TwoTenants } from '../setup/two-tenants.ts'

let two: TwoTenants

beforeAll(async () => {
  two = await createTwoTenants()
})

afterEach(() => vi.unstubAllEnvs())

async function plan(sql: string, flags: Readonly<Record<string, unknown>> = {}, secret = two.database.sealSecret) {
  vi.stubEnv('PARTYWALL_SEAL_SECRET', secret)
  const lines: string[] = []
  await runPlan({ sql, tenant: two.a.id, databaseUrl: two.database.adminUrl, appRole: 'app', ...flags }, (line) =>
    lines.push(line),
  )
  return lines.join('\n')
}

describe('partywall plan', { timeout: 60_000 }, () => {
  it('shows the policies of the tenant in the plan, as the role of the application', async () => {
    const printed = await plan('select * from public.documents')
    expect(printed).toContain(`tenant ${two.a.id}, role tenant_user`)
    expect(printed).toMatch(/tenant_id = /)
    expect(printed).not.toContain('actual')
  })

  it('counts the rows of the chosen tenant with --analyze, under the seal', async () => {
    for (const tenant of [two.a, two.b]) {
      const printed = await plan('select * from public.documents where id = $1', {
        tenant: tenant.id,
        analyze: true,
        json: true,
        param: [two.a.documentId],
      })
      const { plan: shown, role, analyzed } = JSON.parse(printed)
      expect({ role, analyzed }).toEqual({ role: 'tenant_user', analyzed: true })
      expect(shown[0].Plan['Actual Rows']).toBe(tenant === two.a ? 1 : 0)
    }
  })

  it('plans a write and changes nothing', async () => {
    expect(await plan(`update public.documents set title = 'changed'`)).toContain('Update on documents')
    const { rows } = await two.database.admin(`select count(*)::int as n from public.documents where title = 'changed'`)
    expect(rows).toEqual([{ n: 0 }])
  })

  it.each([
    ['update public.documents set title = title', { analyze: true }, /--analyze runs the statement.*UPDATE/],
    ['explain select 1', {}, /without EXPLAIN/],
    ['truncate public.documents', {}, /takes one SELECT/],
    ['select 1 into loot', {}, /takes one SELECT/],
    ['fetch all from c', {}, /takes one SELECT/],
    ['/* no end', {}, /takes one SELECT/],
    ['select 1', { set: ['nothing'] }, /name=value/],
  ])('refuses %s', async (sql, flags, message) => {
    await expect(plan(sql, flags)).rejects.toMatchObject({
      code: 'PARTYWALL_CONFIGURATION',
      message: expect.stringMatching(message),
    })
  })

  it('refuses a second statement, and a write inside of a SELECT that it runs', async () => {
    await expect(plan('select 1; delete from public.documents')).rejects.toMatchObject({ cause: { code: '42601' } })
    const hidden = `with gone as (delete from public.documents returning 1) select * from gone`
    await expect(plan(hidden, { analyze: true })).rejects.toMatchObject({ cause: { code: '25006' } })
    expect((await two.database.admin('select 1 from public.documents')).rowCount).toBe(2)
  })

  it.each([
    ['select * from nosuch', {}, 'relation "nosuch" does not exist, at character 15 of the statement.'],
    [
      'select titel from public.documents',
      {},
      'column "titel" does not exist, at character 8 of the statement. Perhaps',
    ],
    ['select 1 +', {}, 'syntax error at end of input'],
    ['select $1::int', { param: ['x'] }, 'invalid input syntax for type integer: "x"'],
    ['select 1 / 0', {}, 'division by zero.'],
    ['select 1 from public.documents where $1 = title', {}, 'bind message supplies 0 parameters'],
  ])('prints the message of PostgreSQL about %s as an error of the statement', async (sql, flags, message) => {
    await expect(plan(sql, flags)).rejects.toMatchObject({
      code: 'PARTYWALL_CONFIGURATION',
      message: expect.stringContaining(`PostgreSQL refuses the statement: ${message}`),
    })
  })

  it('names the setting that PostgreSQL does not accept', async () => {
    await expect(plan('select 1', { set: ['nosuch=1'] })).rejects.toMatchObject({
      code: 'PARTYWALL_CONFIGURATION',
      message: expect.stringContaining("The setting nosuch can't be set: unrecognized configuration parameter"),
    })
  })

  it('says that the level lacks the right, and not the role of --database-url', async () => {
    const refused = plan(`delete from public.documents where title = 'x'`)
    await expect(refused).rejects.toThrow(/permission denied for table documents\. The statement runs as tenant_user/)
    await expect(refused).rejects.toThrow(/--level tenant_admin/)
    await expect(refused).rejects.not.toThrow(/--database-url/)
    const chosen = plan(`insert into public.tenants (key) values ('x')`, { level: 'tenant_admin' })
    await expect(chosen).rejects.toThrow(/permission denied for table tenants\. The statement runs as tenant_admin/)
    await expect(chosen).rejects.not.toThrow(/--level/)
  })

  it('plans as the level that is chosen', async () => {
    const printed = await plan(`delete from public.documents where title = 'x'`, { level: 'tenant_admin' })
    expect(printed).toContain('role tenant_admin')
    expect(printed).toContain('Delete on documents')
  })

  it('says that --analyze needs the secret of sealed tables', async () => {
    await expect(plan('select * from public.documents', { analyze: true }, '')).rejects.toThrow(
      /sealed.*PARTYWALL_SEAL_SECRET/,
    )
    expect(await plan('select * from public.documents', {}, '')).toContain('documents')
  })

  it("names the grant that the connection's role lacks", async () => {
    await expect(plan('select 1', { databaseUrl: two.database.acrossUrl })).rejects.toThrow(
      /can't run statements as tenant_user.*GRANT tenant_user TO app_across/s,
    )
  })

  it("refuses the application's login, and a role that does not exist", async () => {
    await expect(plan('select 1', { databaseUrl: two.database.appUrl })).rejects.toThrow(/the application's login/)
    await expect(plan('select 1', { role: 'nobody_here' })).rejects.toThrow(/no role nobody_here/)
  })

  it('reads the configuration of the working folder, and the file with its environment', () => {
    const program = fileURLToPath(new URL('../../dist/cli/main.js', import.meta.url))
    const folder = mkdtempSync(join(tmpdir(), 'partywall-plan-'))
    try {
      writeFileSync(join(folder, 'partywall.config.mjs'), "export default { envFile: '.env', appRole: 'app' }\n")
      writeFileSync(join(folder, '.env'), `DATABASE_URL=${two.database.adminUrl}\n`)
      const environment = { ...process.env, DATABASE_URL: undefined }
      const run = (...args: readonly string[]) =>
        spawnSync(process.execPath, [program, ...args], { cwd: folder, encoding: 'utf8', env: environment })
      const planned = run('plan', 'select * from public.documents', '--tenant', two.a.id)
      expect(planned).toMatchObject({ status: 0, stdout: expect.stringContaining('role tenant_user') })
      const explained = run(
        'explain',
        '--table',
        'public.documents',
        '--row',
        `id=${two.b.documentId}`,
        '--tenant',
        two.a.id,
      )
      expect(`${explained.stdout}${explained.stderr}`).toContain('tenant')
      expect(explained.status).toBe(1)
      writeFileSync(
        join(folder, 'partywall.config.mjs'),
        "export default { envFile: '.env', appRole: 'app', level: 'tenant_admin' }\n",
      )
      const remove = 'delete from public.documents'
      expect(run('plan', remove, '--tenant', two.a.id)).toMatchObject({
        status: 0,
        stdout: expect.stringContaining('role tenant_admin'),
      })
      const chosen = run('plan', remove, '--tenant', two.a.id, '--level', 'tenant_user')
      expect(chosen).toMatchObject({ status: 2, stderr: expect.stringContaining('runs as tenant_user') })
      // verify takes the same file, and has no level.
      expect(run('verify', '--static').stderr).not.toContain('Unrecognized key')
      const both = run('plan', remove, '--tenant', two.a.id, '--level', 'tenant_user', '--role', 'tenant_admin')
      expect(both).toMatchObject({ status: 2, stderr: expect.stringContaining("cannot be used with option '--role") })
    } finally {
      rmSync(folder, { recursive: true, force: true })
    }
  })

  it('is a command of the program', () => {
    const program = fileURLToPath(new URL('../../dist/cli/main.js', import.meta.url))
    const help = spawnSync(process.execPath, [program, 'plan', '--help'], { encoding: 'utf8' })
    expect(help.stdout).toContain('--tenant <id>')
    const without = spawnSync(process.execPath, [program, 'plan', 'select 1'], { encoding: 'utf8' })
    expect(without.status).toBe(2)
    expect(without.stderr).toContain("required option '--tenant <id>'")
  })
})
