import { randomUUID } from 'node:crypto'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { expect, inject, it } from 'vitest'
import { openThrowAwayServer } from '../../src/embedded/throw-away-server.ts'
import { loadMigrations } from '../../src/verify/sources/load-migrations.ts'
import { verifyDatabase } from '../../src/verify/verify-database.ts'
import { afterFile } from '../setup/after-file.ts'
import { createTestDatabase, type TestDatabase } from '../setup/database.ts'
import { dropRoles } from '../setup/drop-roles.ts'

async function digestOf({ adminUrl }: Pick<TestDatabase, 'adminUrl'>, appRole = 'app'): Promise<string> {
  const { summary } = await verifyDatabase({
    databaseUrl: adminUrl,
    appRole,
    mode: 'static',
    rules: ['rls-disabled'],
  })
  return summary.schemaDigest
}

/** Reads again while the digests differ: other test files give and take memberships of roles that these databases name. */
const sameInTime = { timeout: 20_000, interval: 200 }

it('the digest of a schema is that of its copy, whatever their rows and object ids are', {
  timeout: 60_000,
}, async () => {
  const [one, other] = [await createTestDatabase(), await createTestDatabase()]
  await other.admin(`create table gone (id integer); drop table gone;
    insert into tenants (id, key, name, status, tier) values (gen_random_uuid(), 'digest', 'Digest', 'active', 'free')`)
  await expect.poll(async () => (await digestOf(other)) === (await digestOf(one)), sameInTime).toBe(true)
})

it.each([
  'alter policy tenant_isolation_policy on documents using (true)',
  'alter table documents no force row level security',
  'grant truncate on documents to tenant_user',
  'alter table documents alter column title set default user',
  `create function widen() returns boolean language sql security definer as 'select true'`,
  'alter table documents disable trigger all',
])('the digest changes with: %s', { timeout: 60_000 }, async (change) => {
  const database = await createTestDatabase()
  const before = await digestOf(database)
  await database.admin(change)
  expect(await digestOf(database)).not.toBe(before)
})

it('a second digest leaves out what is partywall’s, and only that', { timeout: 60_000 }, async () => {
  const [database, updated] = [await createTestDatabase(), await createTestDatabase()]
  const both = async ({ adminUrl }: TestDatabase) => {
    const { summary } = await verifyDatabase({ databaseUrl: adminUrl, appRole: 'app', mode: 'static', rules: [] })
    return [summary.schemaDigest, summary.schemaDigestWithoutPartywall]
  }
  const compared = async () => {
    const [before, after] = [await both(database), await both(updated)]
    return before.map((digest, at) => digest === after[at])
  }
  expect((await both(database))[1]).toMatch(/^[0-9a-f]{64}$/)
  await updated.admin('create table partywall.of_an_update (id integer)')
  await expect.poll(compared, sameInTime).toEqual([false, true])
  await updated.admin('alter table documents no force row level security')
  expect(await compared()).toEqual([false, false])
})

it('the digest covers the schemas that hold one tenant each', { timeout: 60_000 }, async () => {
  const made = async (zen: string) => {
    const database = await createTestDatabase({ migrated: false })
    const schema = (
      name: string,
    ) => `create schema ${name}; create table ${name}.members (id int primary key, name text);
      grant usage on schema ${name} to app; grant select on ${name}.members to app;`
    await database.admin(`${schema('gym_iron')} ${schema('gym_zen')} ${zen}`)
    const { examined } = await verifyDatabase({
      databaseUrl: database.adminUrl,
      appRole: 'app',
      mode: 'static',
      rules: [],
    })
    expect(examined.tenantSchemas).toBe(2)
    return database
  }
  const [first, copy] = [await made(''), await made('create table gone (id int); drop table gone;')]
  await expect.poll(async () => (await digestOf(copy)) === (await digestOf(first)), sameInTime).toBe(true)
  const forced = 'alter table gym_zen.members enable row level security, force row level security;'
  const policy = (test: string) => `${forced} create policy p on gym_zen.members using (${test});`
  const others = await Promise.all([made(forced), made(policy('true')), made(policy('false'))])
  expect(new Set(await Promise.all([first, ...others].map((each) => digestOf(each)))).size).toBe(4)
})

it('there is no second digest without a schema partywall', { timeout: 60_000 }, async () => {
  const database = await createTestDatabase({ migrated: false })
  await database.admin(`create table tenants (id uuid primary key);
    create table notes (id int primary key, tenant_id uuid not null references tenants); grant select on notes to app`)
  const { summary } = await verifyDatabase({
    databaseUrl: database.adminUrl,
    appRole: 'app',
    mode: 'static',
    rules: [],
  })
  expect(summary.schemaDigestWithoutPartywall).toBeUndefined()
})

it('the digest changes with what a role of the schema can become, and not with other roles', {
  timeout: 60_000,
}, async () => {
  const database = await createTestDatabase()
  const suffix = randomUUID().slice(0, 8)
  const [used, other] = [`digest_used_${suffix}`, `digest_other_${suffix}`]
  await database.admin(`create role ${used}; create role ${other}; grant select on documents to ${used}`)
  try {
    const compared = async () => {
      await database.admin(`alter role ${other} nocreatedb`)
      const plain = await digestOf(database)
      await database.admin(`alter role ${other} createdb; grant set on parameter session_replication_role to ${other}`)
      return plain === (await digestOf(database))
    }
    await expect.poll(compared, sameInTime).toBe(true)
    const before = await digestOf(database)
    await database.admin(`grant ${other} to ${used}`)
    expect(await digestOf(database)).not.toBe(before)
  } finally {
    await dropRoles([database], [used, other])
  }
})

it('databases with other names have the same digest, with settings, privileges and owners of their own', {
  timeout: 60_000,
}, async () => {
  const owner = `digest_owner_${randomUUID().slice(0, 8)}`
  const [one, other] = [await createTestDatabase(), await createTestDatabase()]
  await one.admin(`create role ${owner}`)
  afterFile(() => one.admin(`alter database ${one.name} owner to current_user; drop role ${owner}`))
  for (const { name, admin } of [one, other])
    await admin(`alter database ${name} set app.current_tenant_id = '1'; alter role app in database ${name} set role = 'tenant_user';
      alter database ${name} set app.jwt_secret = '${randomUUID()}'; grant temporary on database ${name} to app`)
  await one.admin(`alter database ${one.name} owner to ${owner}`)
  await expect.poll(async () => (await digestOf(other)) === (await digestOf(one)), sameInTime).toBe(true)
})

it('a database that was filled from files has the digest of the run on these files', { timeout: 60_000 }, async () => {
  const app = `digest_app_${randomUUID().slice(0, 8)}`
  const sql = `create table tenants (id uuid primary key); create type state as enum ('open', 'closed');
    create table notes (id int generated always as identity primary key, tenant_id uuid not null references tenants, state state);
    alter table notes enable row level security, force row level security;
    create policy own on notes using (tenant_id = nullif(current_setting('app.tenant', true), '')::uuid);
    create function touch() returns trigger language plpgsql as 'begin return new; end'; create publication sent for table notes (id);
    create trigger touch before insert on notes for each row execute function touch();
    alter default privileges grant select on tables to ${app}; grant select, insert on notes to ${app};`
  const real = await createTestDatabase({ migrated: false })
  await real.admin(`create role ${app} login`)
  afterFile(() => dropRoles([real], [app]))
  // The servers of tests revoke it.
  await real.admin(`grant temporary on database ${real.name} to public; ${sql}`)
  const folder = mkdtempSync(join(tmpdir(), 'partywall-digest-'))
  writeFileSync(join(folder, '0001.sql'), sql)
  const server = await openThrowAwayServer(inject('postgres').url, { external: true, end: async () => {} })
  const source = await loadMigrations({ path: folder, server })
  try {
    const compared = async () => (await digestOf({ adminUrl: source.url }, app)) === (await digestOf(real, app))
    await expect.poll(compared, sameInTime).toBe(true)
  } finally {
    await source.close()
    rmSync(folder, { recursive: true })
  }
})

it('the digest is the same whoever reads it', { timeout: 60_000 }, async () => {
  const database = await createTestDatabase()
  const compared = async () => (await digestOf({ adminUrl: database.acrossUrl })) === (await digestOf(database))
  await expect.poll(compared, sameInTime).toBe(true)
})

it('the digest covers roles that only the schemas of one tenant each name', { timeout: 60_000 }, async () => {
  const app = `digest_fleet_${randomUUID().slice(0, 8)}`
  const database = await createTestDatabase({ migrated: false })
  const schema = (name: string) => `create schema ${name}; create table ${name}.members (id int primary key);
    grant usage on schema ${name} to ${app}; grant select on ${name}.members to ${app};`
  await database.admin(`create role ${app} login; ${schema('gym_iron')} ${schema('gym_zen')}`)
  afterFile(() => dropRoles([database], [app]))
  const before = await digestOf(database, app)
  await database.admin(`alter role ${app} createrole`)
  expect(await digestOf(database, app)).not.toBe(before)
})
