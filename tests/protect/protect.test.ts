import { describe, expect, it } from 'vitest'
import { apply, withProtectCase } from './protect-case.ts'

const A = '00000000-0000-4000-8000-00000000000a'
const B = '00000000-0000-4000-8000-00000000000b'

const UUID_SCHEMA = `
  create table tenants (id uuid primary key default gen_random_uuid(), name text not null);
  create table users (id uuid primary key default gen_random_uuid(), tenant_id uuid not null references tenants (id), email text not null);
  create table projects (id uuid primary key default gen_random_uuid(), tenant_id uuid references tenants (id), owner_id uuid references users (id) on delete set null, name text not null);
  create table tasks (id uuid primary key default gen_random_uuid(), project_id uuid not null references projects (id) on delete cascade, title text not null);
  create table comments (id serial primary key, task_id uuid not null references tasks (id), body text not null);
  create table countries (code text primary key, name text not null);
  insert into tenants (id, name) values ('${A}', 'a'), ('${B}', 'b');
  insert into users (tenant_id, email) select id, 'x@' || name from tenants;
  insert into projects (tenant_id, owner_id, name) select tenant_id, id, 'p' from users;
  insert into tasks (project_id, title) select p.id, 't' || g from projects p, generate_series(1, 3000) g;
  insert into comments (task_id, body) select id, 'c' from tasks limit 2000;
  grant select, insert, update, delete, truncate, references on users, projects, tasks, comments to {app};
  grant select, insert on tenants to {app};
  grant select on countries to {app}; grant usage on sequence comments_id_seq to {app};`

describe('partywall protect', () => {
  it('makes an unprotected uuid schema with child tables hold, applied by an owner that is no superuser', async () => {
    await withProtectCase(UUID_SCHEMA, async (given) => {
      const plan = await given.plan()
      await apply(given.owner, plan, 'up')
      expect((await given.plan()).changes).toEqual([])
      expect(await given.problems()).toEqual([])
      await given.as(A, async (client) => {
        const { rows } = await client.query(
          'select count(*)::int as n, count(distinct tenant_id)::int as tenants from tasks',
        )
        expect(rows[0]).toEqual({ n: 3000, tenants: 1 })
        const { rows: tasks } = await client.query(
          `insert into tasks (project_id, title) select id, 'new' from projects limit 1 returning id, tenant_id`,
        )
        expect(tasks[0]?.tenant_id).toBe(A)
        await client.query(`insert into comments (task_id, body) values ($1, 'hello')`, [tasks[0]?.id])
        expect((await client.query(`update comments set body = 'x' where body = 'hello'`)).rowCount).toBe(1)
        expect((await client.query(`delete from comments where body = 'x'`)).rowCount).toBe(1)
      })
    })
  })
})
