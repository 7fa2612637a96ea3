import { randomBytes } from 'node:crypto'
import pg from 'pg'
import { describe, expect, it } from 'vitest'
import type { ExaminedScript } from '../../src/verify/report/examined.ts'
import { verifyDatabase } from '../../src/verify/verify-database.ts'
import { createTestDatabase, type TestDatabase } from '../setup/database.ts'

/** The row counts and single values of a script, in the order of its statements, or the code of the error that ended it. */
async function play(database: TestDatabase, script: ExaminedScript | undefined): Promise<readonly string[]> {
  const client = new pg.Client({ connectionString: database.adminUrl })
  await client.connect()
  try {
    const answers: unknown = await client.query(script?.sql ?? 'select 1 / 0')
    return [answers].flat().flatMap((answer) => {
      if (!(answer instanceof pg.Result)) return []
      const [[name, value] = []] = Object.entries(answer.rows[0] ?? {})
      if (name === 'next_after') return []
      return answer.command === 'SELECT'
        ? [`${answer.rowCount} ${String(value)}`]
        : [`${answer.command} ${answer.rowCount}`]
    })
  } catch (error) {
    return [error instanceof Error && 'code' in error ? String(error.code) : String(error)]
  } finally {
    await client.end()
  }
}

const rowsOf = async (database: TestDatabase, table: string) =>
  (await database.admin(`select count(*)::int as rows from ${table}`)).rows[0]?.rows

describe('the script of an attack', { timeout: 120_000 }, () => {
  it('repeats a read and each write, rolls back, and shows no leak once the policies are right', async () => {
    const app = `repeat_${randomBytes(4).toString('hex')}`
    const database = await createTestDatabase({ migrated: false })
    await database.admin(`create role ${app} login;
      create table tenants (id uuid primary key, name text not null);
      create table notes (id int generated always as identity primary key, tenant_id uuid not null references tenants, body text, size int generated always as (length(body)) stored);
      grant select, insert, update, delete on notes to ${app}`)
    const { examined } = await verifyDatabase({ databaseUrl: database.adminUrl, appRole: app, mode: 'attack' })
    const scripts = examined.scripts.filter(({ object, rule }) => object === 'public.notes' && rule === undefined)
    expect(scripts.map(({ verb, by }) => `${verb} ${by}`).sort()).toEqual(
      ['delete', 'insert', 'select', 'update'].map((verb) => `${verb} as ${app}, tenant A`),
    )
    const of = (verb: string) => scripts.find((script) => script.verb === verb)
    const lines = async (verb: string) =>
      (await play(database, of(verb))).filter((line) => !/^(SET|BEGIN|ROLLBACK|1 ba5e0000)/.test(line))
    const planted = ['INSERT 1', 'INSERT 1', 'INSERT 1', 'INSERT 1']
    expect(await lines('select')).toEqual([...planted, '1 1'])
    expect(await lines('delete')).toEqual([...planted, '1 1', 'DELETE 2', '1 0'])
    expect(await lines('insert')).toEqual([...planted, '1 1', 'DELETE 1', 'INSERT 1', '1 1'])
    const [before, update, after] = (await lines('update')).slice(planted.length)
    expect(update).toBe('UPDATE 2')
    expect(after).not.toBe(before)
    expect(await rowsOf(database, 'notes')).toBe(0)
    await database.admin(`alter table notes enable row level security;
      create policy own on notes using (tenant_id = nullif(current_setting('app.current_tenant_id', true), '')::uuid)`)
    expect((await play(database, of('select'))).at(-2)).toMatch(/^0 /)
    expect((await lines('delete')).slice(planted.length)).toEqual(['1 1', 'DELETE 1', '1 1'])
    expect(await play(database, of('insert'))).toEqual(['42501'])
  })

  it('repeats what views and TRUNCATE reach', async () => {
    const app = `repeat_${randomBytes(4).toString('hex')}`
    const database = await createTestDatabase({ migrated: false })
    await database.admin(`create role ${app} login; create table tenants (id uuid primary key);
      create table notes (id int primary key, tenant_id uuid not null references tenants, body text);
      alter table notes enable row level security;
      create policy own on notes using (tenant_id = nullif(current_setting('app.tenant_id', true), '')::uuid);
      create view all_notes as select * from notes;
      create materialized view kept_notes as select * from notes;
      grant select, truncate on notes to ${app}; grant select on kept_notes to ${app}; grant select, insert, update, delete on all_notes to ${app}`)
    const { examined } = await verifyDatabase({ databaseUrl: database.adminUrl, appRole: app, mode: 'attack' })
    const last = async (object: string, verb: string) => {
      const found = examined.scripts.find((script) => script.object === object && script.verb === verb)
      return (await play(database, found)).filter((line) => !/^(SET|BEGIN|ROLLBACK|REFRESH)/.test(line)).slice(-1)
    }
    expect(await last('public.all_notes', 'select')).toEqual(['1 1'])
    expect(await last('public.kept_notes', 'select')).toEqual(['1 1'])
    expect(await last('public.all_notes', 'delete')).toEqual(['1 0'])
    expect(await last('public.all_notes', 'insert')).toEqual(['1 1'])
    expect(await last('public.notes', 'delete')).toEqual(['1 0'])
    // Once the view works with the rights of its caller, the policies of the table apply.
    await database.admin('alter view all_notes set (security_invoker = true)')
    expect((await last('public.all_notes', 'select'))[0]).toMatch(/^0 /)
  })

  it('reads as an ordinary owner where a superuser owns the table, and reads nothing with FORCE', async () => {
    const app = `repeat_${randomBytes(4).toString('hex')}`
    const database = await createTestDatabase({ migrated: false })
    await database.admin(`create role ${app} login; create table tenants (id uuid primary key);
      create table notes (id int primary key, tenant_id uuid not null references tenants);
      alter table notes enable row level security;
      create policy own on notes using (tenant_id = nullif(current_setting('app.tenant_id', true), '')::uuid);
      grant select on notes to ${app}`)
    const { examined, findings } = await verifyDatabase({
      databaseUrl: database.adminUrl,
      appRole: app,
      mode: 'attack',
    })
    const found = findings.find(({ rule }) => rule === 'rls-not-forced')
    expect(found?.proof).toBe('exploited')
    const evidence = found?.evidence.join('\n') ?? ''
    expect(evidence).toMatch(/is a superuser, and row-level security never applies to such a role/)
    expect(evidence).toMatch(/for this probe the table got an owner that is neither a superuser nor has BYPASSRLS/)
    expect(evidence).not.toMatch(/as postgres/)
    const script = examined.scripts.find(({ rule }) => rule === 'rls-not-forced')
    const last = async () => (await play(database, script)).filter((line) => !/^(SET|BEGIN|ROLLBACK)/.test(line)).at(-1)
    expect(await last()).toBe('1 1')
    await database.admin('alter table notes force row level security')
    expect(await last()).toMatch(/^0 /)
  })

  it('makes the seal of a sealed context again, and holds none', async () => {
    const database = await createTestDatabase()
    await database.admin(`create table sealed_notes (id int primary key, tenant_id uuid not null references tenants, body text);
      alter table sealed_notes enable row level security; alter table sealed_notes force row level security;
      create policy any_tenant on sealed_notes using (partywall.tenant_id() is not null);
      create table plain_notes (like sealed_notes including all);
      alter table plain_notes enable row level security; alter table plain_notes force row level security;
      create policy own on plain_notes using (tenant_id = nullif(current_setting('app.current_tenant_id', true), '')::uuid);
      grant select on sealed_notes, plain_notes to tenant_user`)
    const { examined, summary } = await verifyDatabase({
      databaseUrl: database.adminUrl,
      appRole: 'app',
      sealSecret: database.sealSecret,
      mode: 'attack',
    })
    expect(summary.sealed).toBe(true)
    const script = examined.scripts.find(({ object, verb }) => object === 'public.sealed_notes' && verb === 'select')
    expect(script?.sql).toContain('partywall.seal_keys')
    expect(script?.sql).not.toMatch(/[0-9a-f]{64}/)
    expect((await play(database, script)).at(-2)).toBe('1 1')
    const forged = examined.scripts.find(({ rule }) => rule === 'policy-unsealed')
    expect(forged?.object).toBe('public.plain_notes')
    expect((await play(database, forged)).at(-2)).toBe('1 1')
    // Without the seal that the script makes, the same rows stay hidden.
    const unsealed = script && {
      ...script,
      sql: script.sql.replace(/SELECT set_config\('app\.tenant_seal'[\s\S]*?AS b;/, ''),
    }
    expect((await play(database, unsealed)).at(-2)).toMatch(/^0 /)
  })

  it('is left out where the SQL of the context is the user’s own', async () => {
    const app = `repeat_${randomBytes(4).toString('hex')}`
    const database = await createTestDatabase({ migrated: false })
    await database.admin(`create role ${app} login; create table tenants (id uuid primary key);
      create table notes (id int primary key, tenant_id uuid not null references tenants); grant select on notes to ${app}`)
    const contextSql = "select set_config('app.token', 'not for a report', true)"
    const { examined } = await verifyDatabase({
      databaseUrl: database.adminUrl,
      appRole: app,
      mode: 'attack',
      contextSql,
    })
    expect(examined.leaks.some(({ by }) => by === 'attack')).toBe(true)
    expect(examined.scripts).toEqual([])
  })
})
