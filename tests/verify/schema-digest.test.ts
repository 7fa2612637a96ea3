import { randomUUID } from 'node:crypto'
import { expect, it } from 'vitest'
import { verifyDatabase } from '../../src/verify/verify-database.ts'
import { createTestDatabase, type TestDatabase } from '../setup/database.ts'

async function digestOf({ adminUrl }: TestDatabase): Promise<string> {
  const { summary } = await verifyDatabase({
    databaseUrl: adminUrl,
    appRole: 'app',
    mode: 'static',
    rules: ['rls-disabled'],
  })
  return summary.schemaDigest
}

it('the digest of a schema is that of its copy, whatever their rows and object ids are', {
  timeout: 60_000,
}, async () => {
  const [one, other] = [await createTestDatabase(), await createTestDatabase()]
  await other.admin(`create table gone (id integer); drop table gone;
    insert into tenants (id, key, name, status, tier) values (gen_random_uuid(), 'digest', 'Digest', 'active', 'free')`)
  expect(await digestOf(other)).toBe(await digestOf(one))
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
  const database = await createTestDatabase()
  const both = async () => {
    const { summary } = await verifyDatabase({
      databaseUrl: database.adminUrl,
      appRole: 'app',
      mode: 'static',
      rules: [],
    })
    return [summary.schemaDigest, summary.schemaDigestWithoutPartywall]
  }
  const [whole, without] = await both()
  expect(without).toMatch(/^[0-9a-f]{64}$/)
  await database.admin('create table partywall.of_an_update (id integer)')
  const [updated, same] = await both()
  expect([updated === whole, same]).toEqual([false, without])
  await database.admin('alter table documents no force row level security')
  expect((await both())[1]).not.toBe(without)
})

it('the digest covers the schemas that hold one tenant each', { timeout: 60_000 }, async () => {
  const made = async (zen: string) => {
    const database = await createTestDatabase({ migrated: false })
    const schema = (
      name: string,
    ) => `create schema ${name}; create table ${name}.members (id int primary key, name text);
      grant usage on schema ${name} to app; grant select on ${name}.members to app;`
    await database.admin(`${schema('gym_iron')} ${schema('gym_zen')} ${zen}`)
    const { summary, examined } = await verifyDatabase({
      databaseUrl: database.adminUrl,
      appRole: 'app',
      mode: 'static',
      rules: [],
    })
    expect(examined.tenantSchemas).toBe(2)
    return summary.schemaDigest
  }
  const plain = await made('')
  expect(await made('create table gone (id int); drop table gone;')).toBe(plain)
  const forced = 'alter table gym_zen.members enable row level security, force row level security;'
  const policy = (test: string) => `${forced} create policy p on gym_zen.members using (${test});`
  const others = await Promise.all([made(forced), made(policy('true')), made(policy('false'))])
  expect(new Set([plain, ...others]).size).toBe(4)
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
    const before = await digestOf(database)
    await database.admin(`alter role ${other} createdb`)
    expect(await digestOf(database)).toBe(before)
    await database.admin(`grant ${other} to ${used}`)
    expect(await digestOf(database)).not.toBe(before)
  } finally {
    await database.admin(`revoke select on documents from ${used}; drop role ${used}; drop role ${other}`)
  }
})
