import { describe, expect, it } from 'vitest'
import { consequencesOf } from '../../src/protect/consequences.ts'
import { apply, type ProtectCase, withProtectCase } from './protect-case.ts'

// No statement of protect lets anybody see or change more than before, and nothing that worked inside a tenant fails afterwards:
// asked here in plain SQL, of schemas that have policies of their own.

type Settings = Readonly<Record<string, string>>

/** Rows that a session of the application sees or touches, or the SQLSTATE. */
async function asked({ app }: ProtectCase, settings: Settings, sql: string): Promise<unknown> {
  await app.query('begin')
  try {
    for (const [name, value] of Object.entries(settings))
      await app.query('select set_config($1, $2, true)', [name, value])
    const { rows, rowCount } = await app.query(sql)
    return rows.length > 0 ? rows.map((row) => Object.values(row).join(' ')) : rowCount
  } catch (error) {
    return error instanceof Error && 'code' in error ? error.code : String(error)
  } finally {
    await app.query('rollback')
  }
}

const DIARY = `
  create table practices (id int primary key, label text);
  create table diary (id int primary key, practice_id int not null references practices (id), doctor_id int not null, entry text);
  create table vault (id int primary key, practice_id int not null references practices (id), secret text);
  create index on diary (practice_id); create index on vault (practice_id);
  grant select, insert, update, delete on diary, vault to {app};
  insert into practices values (1, 'one'), (2, 'two');
  insert into diary values (10, 1, 7, 'of doctor 7'), (11, 1, 8, 'of doctor 8'), (20, 2, 9, 'other practice');
  insert into vault values (1, 1, 's1');
  alter table diary enable row level security; alter table vault enable row level security;
  create policy diary_own on diary for all to {app}
    using (practice_id = current_setting('app.practice_id')::int and doctor_id = current_setting('app.doctor_id')::int);`
const DOCTOR_8 = { 'app.practice_id': '1', 'app.doctor_id': '8' }

describe('protect beside policies of one’s own', () => {
  it('opens no row of another doctor, and no table that was closed', async () => {
    await withProtectCase(DIARY, async (given) => {
      const probes = [
        'select id from diary',
        'delete from diary where id = 10 returning id',
        'select * from vault',
        'update diary set entry = entry returning id',
      ]
      const all = async () => {
        const answers = []
        for (const sql of probes) answers.push(await asked(given, DOCTOR_8, sql))
        return answers
      }
      const before = await all()
      expect(before).toEqual([['11'], 0, 0, ['11']])
      const plan = await given.plan({ appRole: given.appRole })
      await apply(given.owner, plan, 'up')
      expect(await all()).toEqual(before)
      const closed = plan.decisions.find((decision) => decision.object === 'public.vault')
      expect(closed?.reason).toMatch(/no policy lets the application SELECT, INSERT, UPDATE, DELETE/)
      const { rows } = await given.admin.query(
        "select polname as name from pg_policy where polpermissive and polrelid = 'diary'::regclass order by 1",
      )
      // The second is for the owner alone, which saw all rows before.
      expect(rows).toEqual([{ name: 'diary_own' }, { name: 'tenant_owner_policy' }])
      expect((await given.plan({ appRole: given.appRole })).changes).toEqual([])
    })
  })

  it('leaves the owner’s jobs their rows, with the tenant’s setting', async () => {
    await withProtectCase(DIARY, async (given) => {
      await apply(given.owner, await given.plan({ appRole: given.appRole }), 'up')
      await given.owner.query('begin')
      await given.owner.query("select set_config('app.practice_id', '1', true)")
      expect((await given.owner.query('select from diary')).rowCount).toBe(2)
      expect((await given.owner.query("update diary set entry = 'archived'")).rowCount).toBe(2)
      expect((await given.owner.query('select from vault')).rowCount).toBe(1)
      await given.owner.query('rollback')
    })
  })

  it('lets a tenant go on editing its own entry', async () => {
    const schema = `create table customers (customer_id uuid primary key default gen_random_uuid(), label text);
      create table bills (id uuid primary key default gen_random_uuid(), customer_id uuid not null references customers (customer_id), total int);
      create index on bills (customer_id); grant select, insert, update, delete on customers, bills to {app};
      alter table customers enable row level security; alter table bills enable row level security;
      create policy own on customers using (customer_id = current_setting('app.customer')::uuid);
      create policy own on bills using (customer_id = current_setting('app.customer')::uuid);
      insert into customers values ('00000000-0000-4000-8000-00000000000a', 'old'), ('00000000-0000-4000-8000-00000000000b', 'other');`
    await withProtectCase(schema, async (given) => {
      await apply(given.owner, await given.plan({ appRole: given.appRole }), 'up')
      const own = { 'app.customer': '00000000-0000-4000-8000-00000000000a' }
      expect(await asked(given, own, "update customers set label = 'new' returning label")).toEqual(['new'])
    })
  })

  it('names a right to the tenants’ own table, and leaves it', async () => {
    const schema = `create table tenants (id int primary key, tier text); create table notes (id int primary key, tenant_id int not null references tenants (id));
      create index on notes (tenant_id); grant select, update on tenants to {app}; grant select on notes to {app};
      insert into tenants values (1, 'free'), (2, 'free');`
    await withProtectCase(schema, async (given) => {
      const plan = await given.plan({ appRole: given.appRole })
      await apply(given.owner, plan, 'up')
      expect(
        await asked(given, { 'app.current_tenant_id': '1' }, "update tenants set tier = 'x' returning id"),
      ).toEqual(['1'])
      const named = plan.decisions.filter((decision) => decision.sql?.includes('REVOKE UPDATE'))
      expect(named.map((decision) => decision.object)).toEqual(['public.tenants'])
    })
  })

  it('has nothing to do for members that are asked by their own key', async () => {
    const schema = `create table teams (id int primary key, label text); create table members (team_id int not null references teams (id), person text not null, primary key (team_id, person));
      create table cards (id int primary key, team_id int not null references teams (id), body text); create index on cards (team_id);
      alter table teams enable row level security; alter table members enable row level security; alter table cards enable row level security;
      grant select on teams, members to {app}; grant select, insert, update, delete on cards to {app};
      create policy me on members for select using (person = (select nullif(current_setting('app.person', true), '')));
      create policy mine on teams for select using (id in (select team_id from members));
      create policy mine on cards using (team_id in (select team_id from members where person = (select nullif(current_setting('app.person', true), ''))));`
    await withProtectCase(schema, async (given) => {
      const plan = await given.plan({ appRole: given.appRole })
      expect(plan.changes.flatMap((change) => change.up).filter((sql) => /POLICY|TRIGGER|DEFAULT/.test(sql))).toEqual(
        [],
      )
    })
  })

  it('says above the statement what wakes up with row security', async () => {
    const schema = `create table tenants (id int primary key); create table notes (id int primary key, tenant_id int not null references tenants (id), gone boolean not null default false);
      create index on notes (tenant_id); grant select on notes to {app}; create policy all_rows on notes using (true); create policy kept on notes as restrictive using (not gone);
      insert into tenants values (1), (2); insert into notes values (1, 1), (2, 2);`
    await withProtectCase(schema, async (given) => {
      const plan = await given.plan({ appRole: given.appRole })
      const enable = plan.changes.flatMap((change) => change.up).find((sql) => /notes ENABLE ROW/.test(sql))
      expect(enable).toMatch(/take effect now:\n-- all_rows .*\n-- kept \(restrictive\)/)
      await apply(given.owner, plan, 'up')
      // A policy that lets all rows through is bounded by the tenant.
      expect(await asked(given, { 'app.current_tenant_id': '1' }, 'select id from notes')).toEqual(['1'])
      expect(await asked(given, {}, 'select id from notes')).toBe(0)
    })
  })

  it('does not force a table that code of the owner reads past the policies', async () => {
    const schema = `create table tenants (id int primary key); create table accounts (id int primary key, tenant_id int not null references tenants (id), email text);
      create index on accounts (tenant_id); grant select on accounts to {app}; insert into tenants values (1); insert into accounts values (5, 1, 'x@example.com');
      create function account_of(address text) returns int language sql security definer set search_path = pg_catalog, pg_temp as $$ select id from public.accounts where email = address $$;`
    await withProtectCase(schema, async (given) => {
      const plan = await given.plan({ appRole: given.appRole })
      await apply(given.owner, plan, 'up')
      expect(await asked(given, {}, "select account_of('x@example.com')")).toEqual(['5'])
      expect(await asked(given, {}, 'select id from accounts')).toBe(0)
      expect(plan.decisions.map((decision) => decision.reason).join()).toContain(
        'account_of(text) read the table as its owner',
      )
    })
  })

  it('does not name a tenant twice in one key', async () => {
    const schema = `create table tenants (id int primary key); create table rules (id int, tenant_id int not null references tenants (id), primary key (id), unique (id, tenant_id));
      create table runs (id int primary key, tenant_id int not null references tenants (id), rule_id int, of_tenant int, foreign key (rule_id, of_tenant) references rules (id, tenant_id));
      create index on rules (tenant_id); create index on runs (tenant_id); grant select, insert on rules, runs to {app};`
    await withProtectCase(schema, async (given) => {
      const plan = await given.plan({ appRole: given.appRole })
      await apply(given.owner, plan, 'up')
      expect(plan.decisions.map((decision) => decision.reason).join()).toContain('Which of the two is the row')
    })
  })

  it('writes nothing for a table of another owner, whose refusal would end the file in the middle', async () => {
    const schema = `create table tenants (id int primary key); create table notes (id int primary key, tenant_id int not null references tenants (id));
      grant select, insert on notes to {app}; grant references on tenants to public;`
    await withProtectCase(schema, async (given) => {
      await given.admin.query(
        `create schema gate; create table gate.identities (id int primary key, tenant_id int not null references tenants (id));
         grant usage on schema gate to ${given.appRole}; grant select, truncate on gate.identities to ${given.appRole}`,
      )
      const plan = await given.plan({ appRole: given.appRole })
      await apply(given.owner, plan, 'up')
      expect(plan.changes.map((change) => change.object)).not.toContain('gate.identities')
      expect(plan.changes.map((change) => change.object)).toContain('public.notes')
      const named = plan.decisions.find((decision) => decision.object === 'gate.identities (owner)')
      expect(named?.reason).toMatch(/may not change: nothing is written for it/)
    })
  })

  it('hides no row of a user where the policies decide by the user and never by the tenant', async () => {
    const schema = `create table tenants (id int primary key); create table notes (id int primary key, tenant_id int not null references tenants (id));
      create table drafts (id int primary key, tenant_id int references tenants (id), user_id int not null, body text);
      create index on notes (tenant_id); create index on drafts (tenant_id); grant select, insert, update, delete on notes, drafts to {app};
      alter table notes enable row level security; alter table drafts enable row level security;
      create policy own on notes using (tenant_id = nullif(current_setting('app.tenant', true), '')::int);
      create policy mine on drafts using (user_id = nullif(current_setting('app.user', true), '')::int);
      insert into tenants values (1), (2); insert into drafts values (1, null, 7), (2, 2, 7), (3, 1, 7), (4, 1, 8);`
    await withProtectCase(schema, async (given) => {
      const session = { 'app.tenant': '1', 'app.user': '7' }
      const plan = await given.plan({ appRole: given.appRole })
      await apply(given.owner, plan, 'up')
      expect(await asked(given, session, 'select id from drafts order by id')).toEqual(['1', '2', '3'])
      expect(await asked(given, session, 'update drafts set body = body where id = 2 returning id')).toEqual(['2'])
      expect(await asked(given, session, "insert into drafts values (9, null, 7, 'new') returning id")).toEqual(['9'])
      const told = plan.decisions.filter((decision) => decision.object === 'public.drafts')
      expect(told.map(({ reason }) => reason).join(' ')).toMatch(/ask for user_id and never for tenant_id/)
    })
  })
})

describe('what protect says before it is run', () => {
  const schema = `create table tenants (id int primary key); create table notes (id int primary key, tenant_id int not null references tenants (id));
    create index on notes (tenant_id); grant select, insert on notes to {app};`

  it('names seeds and jobs of the owner, sign-ups and webhooks', async () => {
    await withProtectCase(schema, async (given) => {
      const plan = await given.plan({ appRole: given.appRole })
      const [forced, opened, ...rest] = consequencesOf(plan, false)
      expect(rest).toEqual([])
      expect(forced).toMatch(/^FORCE .*public\.notes.*seeds and jobs.*set_config\('app\.current_tenant_id'.*BYPASSRLS/)
      expect(opened).toMatch(/^Sign-in, sign-up and webhooks.*public\.notes.*runAcrossTenants/)
      await apply(given.owner, plan, 'up')
      // It is so: the owner's seed needs the tenant's setting.
      await given.owner.query('begin')
      await expect(given.owner.query('insert into notes values (1, 1)')).rejects.toMatchObject({ code: '42501' })
      await given.owner.query('rollback')
      expect(consequencesOf(await given.plan({ appRole: given.appRole }), false)).toEqual([])
    })
  })
})
