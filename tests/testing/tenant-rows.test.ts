// The test kit on a schema of another form: own schema, other names, serial keys, and an owner that is no superuser.
import { randomBytes } from 'node:crypto'
import { afterAll, beforeAll, expect, inject, it } from 'vitest'
import { startTestKit, type TestKit } from '../../src/testing/index.ts'
import { createTestDatabase, type TestDatabase } from '../setup/database.ts'

let database: TestDatabase
let kit: TestKit
let owner: string

beforeAll(async () => {
  database = await createTestDatabase()
  owner = `owner_${randomBytes(4).toString('hex')}`
  await database.admin(`
    create role ${owner} login password 'x';
    create schema crm authorization ${owner};
    grant usage on schema crm to tenant_user, tenant_admin;
    set role ${owner};
    create type crm.kind as enum ('small', 'big');
    create table crm.companies (
      company_no serial primary key, title text not null unique, kind crm.kind not null, seats int not null, settings jsonb not null,
      active boolean not null, since date not null, state text not null default 'active'
    );
    create table crm.deals (id serial primary key, company_no int not null references crm.companies, name text not null);
    alter table crm.companies enable row level security, force row level security;
    alter table crm.deals enable row level security, force row level security;
    create policy tenant on crm.companies using (company_no = nullif(current_setting('app.current_tenant_id', true), '')::int);
    create policy tenant on crm.deals using (company_no = nullif(current_setting('app.current_tenant_id', true), '')::int);
    grant select, insert, update, delete on crm.companies, crm.deals to tenant_user, tenant_admin;
    grant usage on all sequences in schema crm to tenant_user, tenant_admin;
    reset role`)
  const url = new URL(database.adminUrl)
  url.username = owner
  url.password = 'x'
  kit = await startTestKit({
    databaseUrl: url.href,
    appUrl: database.appUrl,
    sealSecret: database.sealSecret,
    searchPath: ['crm'],
    tenants: { table: 'crm.companies', id: 'company_no', status: 'state', values: { seats: 5 } },
  })
})
afterAll(async () => {
  await kit.close()
  await database.admin(`drop schema crm cascade; drop role ${owner}`)
})

it('plants tenants in it, and each sees its own rows only', async () => {
  const a = await kit.tenant('a')
  const b = await kit.tenant('b')
  await a.rawQuery('insert into deals (company_no, name) values ($1, $2)', [a.tenantId, 'of a'])
  expect((await a.rawQuery('select name from deals')).rows).toEqual([{ name: 'of a' }])
  expect((await b.rawQuery('select name from deals')).rows).toEqual([])
  expect((await b.rawQuery('select company_no::text as id, seats from companies')).rows).toEqual([
    { id: b.tenantId, seats: 5 },
  ])
})

it('says what to revoke where the owner inherits the rights of tenants, and the statement cures it', async () => {
  await database.admin(`
    create policy seal on crm.companies as restrictive to tenant_user, tenant_admin using (false);
    grant tenant_user, tenant_admin to ${owner} with admin option`)
  try {
    const problem = String(await kit.tenant('inherited').catch((error: unknown) => error))
    expect(problem).toContain(`${owner}, inherits tenant_admin, tenant_user`)
    const [, cure = '', cureOf15 = ''] = /(REVOKE INHERIT OPTION FOR [^;]+); on 15: (.*)/.exec(problem) ?? []
    await database.admin(inject('postgres').versionNumber >= 160_000 ? cure : cureOf15)
    expect((await kit.tenant('kept')).tenantId).toBeDefined()
  } finally {
    await database.admin(
      `drop policy seal on crm.companies; revoke tenant_user, tenant_admin from ${owner}; alter role ${owner} inherit`,
    )
  }
})

it('plants tenants of one name twice, also if the name must be unique', async () => {
  await database.admin(`
    create table crm.shops (id serial primary key, name text not null);
    create unique index on crm.shops (lower(name));
    alter table crm.shops owner to ${owner}`)
  const url = new URL(database.adminUrl)
  url.username = owner
  url.password = 'x'
  const other = await startTestKit({
    databaseUrl: url.href,
    appUrl: database.appUrl,
    sealSecret: database.sealSecret,
    tenants: { table: 'crm.shops' },
  })
  try {
    const [first, second] = [await other.tenant('a'), await other.tenant('a')]
    expect(first.tenantId).not.toBe(second.tenantId)
    await database.admin("insert into crm.shops (id, name) values (3, 'seeded')")
    await expect(other.tenant('b')).rejects.toMatchObject({
      code: 'PARTYWALL_CONFIGURATION',
      message: expect.stringMatching(
        /sequence crm\.shops_id_seq gave 3, .* Run, as a role to which no policy applies: select setval\('crm\.shops_id_seq', \(select max\("id"\) from "crm"\."shops"\)\)$/,
      ),
    })
  } finally {
    await other.close()
  }
})

it('shows nothing to a session without a tenant, and notices where a table shows something', async () => {
  const a = await kit.tenant('a')
  await a.rawQuery('insert into deals (company_no, name) values ($1, $2)', [a.tenantId, 'seen'])
  expect((await kit.queryWithoutTenant('select from deals')).rowCount).toBe(0)
  await database.admin('alter table crm.deals disable row level security')
  expect((await kit.queryWithoutTenant('select from deals')).rowCount).toBeGreaterThan(0)
  await database.admin('alter table crm.deals enable row level security')
})

it('suspends a tenant in the column that was named', async () => {
  const a = await kit.tenant('a')
  await a.suspend()
  const { rows } = await database.admin('select state from crm.companies where company_no::text = $1', [a.tenantId])
  expect(rows).toEqual([{ state: 'suspended' }])
})

it('names the option for a table of tenants that is not there', async () => {
  const other = await startTestKit({
    databaseUrl: database.adminUrl,
    appUrl: database.appUrl,
    sealSecret: database.sealSecret,
    tenants: { table: 'crm.firms' },
  })
  await expect(other.tenant('a')).rejects.toMatchObject({
    code: 'PARTYWALL_CONFIGURATION',
    message: expect.stringContaining('crm.firms'),
  })
  await other.close()
})

it('makes the row that the table of tenants refers to, such as the user who created a tenant', async () => {
  await database.admin(`
    create table crm.people (id uuid primary key default gen_random_uuid(), email text not null unique);
    create table crm.workspaces ("workspaceId" uuid primary key, "createdBy" uuid not null references crm.people);
    create table crm."Loops" (id uuid primary key, other uuid not null references crm."Loops");`)
  const open = (table: string, id: string) =>
    startTestKit({
      databaseUrl: database.adminUrl,
      appUrl: database.appUrl,
      sealSecret: database.sealSecret,
      tenants: { table, id },
    })
  const workspaces = await open('crm.workspaces', 'workspaceId')
  const loops = await open('crm.Loops', 'id')
  try {
    await workspaces.tenant('a')
    await workspaces.tenant('b')
    await expect(loops.tenant('a')).rejects.toMatchObject({
      code: 'PARTYWALL_CONFIGURATION',
      message: expect.stringContaining('tenants: { values: { other: … } }'),
    })
  } finally {
    await workspaces.close()
    await loops.close()
  }
})
