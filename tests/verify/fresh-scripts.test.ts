import { randomBytes } from 'node:crypto'
import pg from 'pg'
import { describe, expect, it } from 'vitest'
import { verifyDatabase } from '../../src/verify/verify-database.ts'
import { createTestDatabase } from '../setup/database.ts'

const OF_A = `tenant_id = nullif(current_setting('app.tenant_id', true), '')::int`

/** Ids come from sequences: of an identity column, of a default, of a default inside a text, and of a trigger. One trigger always fires. */
const schema = (app: string) => `
  do $$ begin create role ${app} login; exception when duplicate_object then end $$;
  create sequence labels; create sequence numbers increment -1 maxvalue 0;
  create table tenants (id int primary key, name text);
  create table members (id serial primary key, tenant_id int not null references tenants, email text not null);
  create table notes (id int generated always as identity primary key, tenant_id int not null references tenants, member int references members, reader int references members,
    label text not null default 'n' || nextval('labels') unique, "body; select" text default '; delete from notes', number int unique, shared boolean not null default false);
  create function number_it() returns trigger language plpgsql security definer set search_path = public as $$ begin new.number := nextval('numbers'); return new; end $$;
  create trigger number_it before insert on notes for each row execute function number_it();
  create function guard() returns trigger language plpgsql as $$ begin
    if new.tenant_id is distinct from nullif(current_setting('app.tenant_id', true), '')::int then raise 'not your tenant' using errcode = '42501'; end if; return new; end $$;
  create trigger guard before insert on members for each row execute function guard();
  alter table members enable always trigger guard;
  alter table members enable row level security; create policy own on members using (${OF_A});
  alter table notes enable row level security; create policy own on notes using (${OF_A} or shared);
  create policy lax on notes for insert with check (true);
  create function member_of(email_of text) returns setof members language sql security definer set search_path = public as $$ select * from members where email = email_of $$;
  create function leave(member int) returns void language sql security definer set search_path = public as $$ delete from members where id = member $$;
  grant select, insert, update, delete on members, notes to ${app}; grant usage on all sequences in schema public to ${app}`

/** The rows of the last query, or the error. */
async function play(url: string, sql: string): Promise<string> {
  const client = new pg.Client({ connectionString: url })
  await client.connect()
  try {
    const answers: unknown = await client.query(sql)
    const last = [answers].flat().findLast((each) => each instanceof pg.Result && each.command === 'SELECT')
    return last instanceof pg.Result ? `${last.rowCount} ${Object.values(last.rows[0] ?? {}).join()}` : 'no query'
  } catch (error) {
    return error instanceof Error && 'code' in error ? `${String(error.code)} ${error.message}` : String(error)
  } finally {
    await client.end()
  }
}

describe('the scripts of a report', { timeout: 120_000 }, () => {
  it('do on a fresh database with the same schema what they say, and each finding has its own', async () => {
    const app = `fresh_${randomBytes(4).toString('hex')}`
    const examinedOne = await createTestDatabase({ migrated: false })
    await examinedOne.admin(schema(app))
    const { examined, findings } = await verifyDatabase({
      databaseUrl: examinedOne.adminUrl,
      appRole: app,
      mode: 'attack',
    })
    const about = examined.scripts.map(({ rule, detail, object, verb }) => [rule, object, detail, verb].join(' '))
    expect(about).toEqual(
      expect.arrayContaining([
        ' public.notes  insert',
        'secdef-tenant-argument public.member_of(text)  select',
        'secdef-tenant-argument public.leave(integer)  delete',
        'policy-column-opt-out public.notes own select',
        'fk-crosses-tenants public.notes notes_member_fkey update',
        'fk-crosses-tenants public.notes notes_reader_fkey update',
      ]),
    )
    expect(
      findings
        .filter(({ rule }) => rule === 'fk-crosses-tenants')
        .map(({ key }) => key)
        .sort(),
    ).toEqual([
      'fk-crosses-tenants:public.notes:notes_member_fkey',
      'fk-crosses-tenants:public.notes:notes_reader_fkey',
    ])
    for (const { sql, object, verb } of examined.scripts) {
      const fresh = await createTestDatabase({ migrated: false })
      await fresh.admin(schema(app))
      const expected = verb === 'delete' ? /^1 0$/ : /^1 [1-9]/
      expect([object, verb, await play(fresh.adminUrl, sql)]).toEqual([object, verb, expect.stringMatching(expected)])
      if (verb !== 'insert' || object !== 'public.notes') continue
      await fresh.admin('drop policy lax on notes; alter policy own on notes using (true) with check (false)')
      expect(await play(fresh.adminUrl, sql)).toBe('42501 new row violates row-level security policy for table "notes"')
    }
  })

  it('say what they do before the attack, and which error an INSERT ends in without the leak', async () => {
    const app = `fresh_${randomBytes(4).toString('hex')}`
    const database = await createTestDatabase({ migrated: false })
    await database.admin(`create role ${app} login; create table tenants (id int primary key);
      create table notes (id int primary key, tenant_id int not null references tenants); grant insert, delete on notes to ${app};
      create table flags (key text primary key, enabled boolean); grant select, update, delete on flags to ${app}`)
    const { examined, findings } = await verifyDatabase({
      databaseUrl: database.adminUrl,
      appRole: app,
      mode: 'attack',
    })
    const of = (verb: string) => examined.scripts.find((script) => script.verb === verb)?.sql ?? ''
    expect(of('delete')).toContain('-- A superuser first turns triggers and foreign keys off: a foreign key would')
    expect(of('delete')).not.toContain('first removes a row')
    expect(of('insert')).toContain('-- A superuser first removes a row that is in the way, with triggers')
    expect(of('insert')).toContain('-- Without the leak it ends in an error with SQLSTATE 42501')
    const lines = findings.flatMap(({ evidence }) => evidence)
    expect(lines).toContain(`as ${app}, tenant A: DELETE on public.flags without WHERE touched 2 rows`)
    expect(lines).toContain(
      `as ${app}, tenant A: DELETE without WHERE, with triggers and foreign keys off, removed the row of tenant B`,
    )
  })
})

describe('cells that an attack reached', { timeout: 120_000 }, () => {
  it('are those of the one table whose row a function returned or changed', async () => {
    const app = `fresh_${randomBytes(4).toString('hex')}`
    const database = await createTestDatabase({ migrated: false })
    await database.admin(schema(app))
    await database.admin(`create table tags (id int primary key, tenant_id int not null references tenants, tag text);
      create table links (id int primary key, tenant_id int not null references tenants, link text);
      alter table tags enable row level security; alter table links enable row level security;
      create policy own on tags using (${OF_A}); create policy own on links using (${OF_A});
      grant select on tags, links to ${app};
      create view tagged as select t.tag, l.link from tags t join links l using (tenant_id); grant select on tagged to ${app};
      create function both_of(wanted int) returns setof text language sql security definer set search_path = public as $$
        select tag from tags where tenant_id = wanted union all select link from links where tenant_id = wanted $$`)
    const { examined, findings } = await verifyDatabase({
      databaseUrl: database.adminUrl,
      appRole: app,
      mode: 'attack',
    })
    const by = (object: string, verb: string) =>
      examined.leaks.find((leak) => leak.object === object && leak.verb === verb)?.by
    expect(by('public.members', 'select')).toBe('attack')
    expect(by('public.members', 'delete')).toBe('attack')
    // The function and the view returned values of two tables, and nothing tells of which.
    expect(findings.map(({ key, proof }) => `${key} ${proof}`)).toContain('view-definer:public.tagged exploited')
    expect(by('public.tags', 'select')).toBe('reading')
    expect(by('public.links', 'select')).toBe('reading')
  })
})
