// Which tables the entry login may read and insert, for all tenants.
import { randomBytes } from 'node:crypto'
import pg from 'pg'
import { expect, it } from 'vitest'
import { planOn } from '../../cli/protect/protect-plan.ts'
import { entryTables } from '../../src/init/plan/entry-access.ts'
import { entryDecisions } from '../../src/init/plan/entry-decisions.ts'
import { afterFile } from '../setup/after-file.ts'
import { createTestDatabase } from '../setup/database.ts'
import { dropRoles } from '../setup/drop-roles.ts'

it('are tenants, accounts and memberships, and no table of work that refers to both', { timeout: 60_000 }, async () => {
  const app = `entry_${randomBytes(4).toString('hex')}`
  const database = await createTestDatabase({ migrated: false })
  await database.admin(`create role ${app} login;
    create table teams (id int generated always as identity primary key, name text not null);
    create table users (id int generated always as identity primary key, email text not null unique, password_hash text not null);
    create table team_members (id int generated always as identity primary key, team_id int not null references teams, user_id int not null references users, nickname text, role text not null);
    create table "TeamUsers" ("teamId" int not null references teams, "userId" int not null references users, note text, primary key ("teamId", "userId"));
    create table seats (team_id int not null references teams, user_id int not null references users, status text, since timestamptz, active boolean, primary key (team_id, user_id));
    create table tasks (id int generated always as identity primary key, team_id int not null references teams, title text not null, assignee int references users);
    create table activity_logs (id int generated always as identity primary key, team_id int not null references teams, user_id int references users, action text not null, at timestamptz);
    grant select, insert, update, delete on all tables in schema public to ${app}`)
  afterFile(() => dropRoles([database], [app]))
  const client = new pg.Client({ connectionString: database.adminUrl })
  await client.connect()
  try {
    await client.query('begin')
    const db = { query: (text: string, values: readonly unknown[] = []) => client.query(text, [...values]) }
    const { catalog, tenancy } = await planOn(db, { appRole: app, seal: false })
    const names = entryTables(catalog, tenancy).map(({ name }) => name)
    expect(names.sort()).toEqual(['TeamUsers', 'seats', 'team_members', 'teams', 'users'])
    await client.query('alter table users drop column password_hash')
    const without = await planOn(db, { appRole: app, seal: false })
    const given = entryTables(without.catalog, without.tenancy)
    expect(given.map(({ name }) => name)).toEqual(['teams'])
    const { decisions } = entryDecisions(without.catalog, given, without.tenancy, 'a_entry')
    expect(decisions.map(({ sql }) => sql ?? '').join('\n')).toContain('GRANT SELECT ON public.users TO a_entry;')
  } finally {
    await client.end()
  }
})
