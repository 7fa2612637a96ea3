import { randomBytes } from 'node:crypto'
import pg from 'pg'
import { describe, expect, it } from 'vitest'
import type { ExaminedHeld, HeldStatement } from '../../src/verify/report/examined.ts'
import { verifyDatabase } from '../../src/verify/verify-database.ts'
import { createTestDatabase, type TestDatabase } from '../setup/database.ts'

/** Sends a line as the report says: planted rows, actor, statements. The answer is that of the last statement. */
async function play(database: TestDatabase, held: ExaminedHeld, line: HeldStatement, by = line.by): Promise<string> {
  const client = new pg.Client({ connectionString: database.adminUrl })
  await client.connect()
  try {
    const actor = held.actors.find(({ name }) => name === by)
    const rows = held.rows.map(({ sql }) => sql).join('\n')
    await client.query(`BEGIN; SET LOCAL session_replication_role = replica;
      ${rows}
      SET LOCAL session_replication_role = origin;
      ${by === undefined ? '' : (actor?.sql ?? 'select 1 / 0')}`)
    const answers: unknown = await client.query(line.sql)
    const last = [answers].flat().at(-1)
    const count = last instanceof pg.Result ? (last.rowCount ?? 0) : -1
    return count === 0 ? 'no row' : `${count} ${count === 1 ? 'row' : 'rows'}`
  } catch (error) {
    return `error ${error instanceof Error && 'code' in error ? String(error.code) : String(error)}`
  } finally {
    await client.end()
  }
}

const said = ({ outcome }: HeldStatement) => outcome.replace(/; the check.*|(?<=^error \w{5}): .*/, '')

describe('the statements that held', { timeout: 120_000 }, () => {
  it('give the same answer again, and another one once the policies are gone', async () => {
    const app = `held_${randomBytes(4).toString('hex')}`
    const database = await createTestDatabase({ migrated: false })
    const test = `tenant_id = nullif(current_setting('app.tenant_id', true), '')::uuid`
    await database.admin(`create role ${app} login; create table tenants (id uuid primary key);
      create table notes (id int generated always as identity primary key, tenant_id uuid not null references tenants, body text);
      alter table notes enable row level security, force row level security;
      create policy own on notes using (${test});
      create view calm with (security_invoker = true) as select * from notes;
      create table open (id int primary key, tenant_id uuid not null references tenants);
      grant select, insert, update, delete on notes, open to ${app}; grant select on calm to ${app}`)
    const { examined } = await verifyDatabase({ databaseUrl: database.adminUrl, appRole: app, mode: 'attack' })
    const [held] = examined.held
    if (held === undefined) throw new Error('nothing held')
    const of = (attack: string, object: string) =>
      held.statements.filter((each) => each.attack === attack && each.object === object)
    expect(of('read-across', 'public.notes').map(({ verb, by, outcome }) => [verb, by, outcome])).toEqual([
      ['select', `as ${app}, tenant A`, 'no row'],
    ])
    const writes = of('write-across', 'public.notes')
    expect(writes.map(({ verb, outcome }) => `${verb} ${outcome}`).sort()).toEqual([
      'delete 1 row; the check gave 1',
      'insert error 42501: new row violates row-level security policy for table "notes"',
      'update 1 row',
    ])
    expect(of('through-views', 'public.calm').length).toBeGreaterThan(0)
    // What an attack reached stands at the finding, and not here.
    expect(held.statements.filter(({ object }) => object === 'public.open')).toEqual([])
    for (const line of held.statements) expect([line, await play(database, held, line)]).toEqual([line, said(line)])
    const read = of('read-across', 'public.notes')[0]
    if (read === undefined) throw new Error('no read')
    expect(await play(database, held, read, `as ${app}, tenant B`)).toBe('1 row')
    await database.admin('alter table notes disable row level security')
    expect(await play(database, held, read)).toBe('1 row')
    for (const line of writes) expect(await play(database, held, line)).not.toBe(said(line))
  })

  it('make the seals of sealed contexts again, and hold none', async () => {
    const database = await createTestDatabase()
    const { examined } = await verifyDatabase({
      databaseUrl: database.adminUrl,
      appRole: 'app',
      sealSecret: database.sealSecret,
      mode: 'attack',
    })
    const [held] = examined.held
    if (held === undefined) throw new Error('nothing held')
    expect(JSON.stringify(held)).not.toMatch(/[0-9a-f]{64}/)
    const forged = held.statements.filter(({ attack }) => attack === 'forge-setting')
    expect(forged.length).toBeGreaterThan(0)
    expect(forged[0]?.sql).toContain('set_config')
    for (const line of held.statements) expect([line, await play(database, held, line)]).toEqual([line, said(line)])
    const read = held.statements.find(({ attack, by }) => attack === 'read-across' && by?.includes('tenant_user'))
    const line = read ?? held.statements[0]
    if (line === undefined) throw new Error('no read')
    expect(await play(database, held, line, line.by?.replace('tenant A', 'tenant B'))).toBe('1 row')
  })

  it('have the message of a trigger that refuses, no check after an error, and work where a trigger always fires', async () => {
    const app = `held_${randomBytes(4).toString('hex')}`
    const database = await createTestDatabase({ migrated: false })
    const mine = `nullif(current_setting('app.tenant_id', true), '')::uuid`
    await database.admin(`create role ${app} login; create table tenants (id uuid primary key);
      create table notes (id int generated always as identity primary key, tenant_id uuid not null references tenants, body text);
      create function guard() returns trigger language plpgsql as $$ begin
        if new.tenant_id is distinct from ${mine} then raise 'another tenant' using errcode = '42501'; end if; return new; end $$;
      create trigger guard before insert on notes for each row execute function guard();
      alter table notes enable always trigger guard;
      alter table notes enable row level security; create policy own on notes using (tenant_id = ${mine});
      grant select, insert, update, delete on notes to ${app}`)
    const { examined } = await verifyDatabase({ databaseUrl: database.adminUrl, appRole: app, mode: 'attack' })
    const [held] = examined.held
    if (held === undefined) throw new Error('nothing held')
    const of = (verb: string) => held.statements.find((line) => line.attack === 'write-across' && line.verb === verb)
    expect(of('insert')).toMatchObject({ outcome: 'error 42501: another tenant', role: app })
    expect(of('insert')).not.toHaveProperty('check')
    expect(of('delete')).toHaveProperty('check')
    for (const line of held.statements) expect([line, await play(database, held, line)]).toEqual([line, said(line)])
  })

  it('are left out where the SQL of the context is the user’s own', async () => {
    const app = `held_${randomBytes(4).toString('hex')}`
    const database = await createTestDatabase({ migrated: false })
    await database.admin(`create role ${app} login; create table tenants (id uuid primary key);
      create table notes (id int primary key, tenant_id uuid not null references tenants);
      alter table notes enable row level security; grant select on notes to ${app}`)
    const contextSql = "select set_config('app.token', 'not for a report', true)"
    const given = { databaseUrl: database.adminUrl, appRole: app, mode: 'attack' } as const
    expect((await verifyDatabase(given)).examined.held[0]?.statements.length).toBeGreaterThan(0)
    expect((await verifyDatabase({ ...given, contextSql })).examined.held).toEqual([])
  })
})
