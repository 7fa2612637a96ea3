import { randomUUID } from 'node:crypto'
import { beforeAll, describe, expect, it } from 'vitest'
import { verifyDatabase } from '../../src/verify/verify-database.ts'
import { afterFile } from '../setup/after-file.ts'
import { createTestDatabase, type TestDatabase } from '../setup/database.ts'
import { dropRoles } from '../setup/drop-roles.ts'

const TABLES = `create table digest_early (id int not null primary key); create table digest_late (id int not null);
  create table digest_key (id int references digest_early); create rule nothing as on delete to digest_late do instead nothing;
  create function hears() returns event_trigger language plpgsql as 'begin end';
  create event trigger ears on ddl_command_end execute function hears()`

async function digestOf({ adminUrl }: TestDatabase): Promise<string> {
  const { summary } = await verifyDatabase({ databaseUrl: adminUrl, appRole: 'app', mode: 'static', rules: [] })
  return summary.schemaDigest
}

describe('the digest changes with what rules read beside tables and functions:', () => {
  const suffix = randomUUID().slice(0, 8)
  const [user, login] = [`digest_user_${suffix}`, `digest_login_${suffix}`]
  let database: TestDatabase
  /** The same, and never changed: other test files give and take memberships of roles that both name. */
  let twin: TestDatabase

  beforeAll(async () => {
    database = await createTestDatabase()
    twin = await createTestDatabase()
    await database.admin(`create role ${user}; create role ${login} login`)
    for (const { admin } of [database, twin]) {
      await admin(`grant select on documents to ${user}`)
      await admin(TABLES)
    }
    afterFile(() => dropRoles([database, twin], [login, user]))
  })

  // Each change is undone, and then the digest is what it was.
  it.each([
    [
      'a builtin',
      () => `grant execute on function pg_read_file(text) to ${user}`,
      () => `revoke execute on function pg_read_file(text) from ${user}`,
    ],
    [
      'a relation of the system',
      () => `grant select on pg_statistic to ${user}`,
      () => `revoke select on pg_statistic from ${user}`,
    ],
    [
      'a column of the system',
      () => `grant select (stavalues1) on pg_statistic to ${user}`,
      () => `revoke select (stavalues1) on pg_statistic from ${user}`,
    ],
    [
      'a setting of a role',
      () => `alter role ${user} set app.current_tenant_id = '1'`,
      () => `alter role ${user} reset all`,
    ],
    [
      'a setting of a role in this database',
      () => `alter role ${user} in database ${database.name} set app.current_tenant_id = '1'`,
      () => `alter role ${user} in database ${database.name} reset all`,
    ],
    [
      'a setting of the database',
      () => `alter database ${database.name} set search_path = 'nowhere'`,
      () => `alter database ${database.name} reset all`,
    ],
    [
      'a parameter',
      () => `grant set on parameter session_replication_role to ${user}`,
      () => `revoke set on parameter session_replication_role from ${user}`,
    ],
    [
      'the database',
      () => `grant temporary on database ${database.name} to ${user}`,
      () => `revoke temporary on database ${database.name} from ${user}`,
    ],
    [
      'the owner of the database',
      () => `alter database ${database.name} owner to ${user}`,
      () => `alter database ${database.name} owner to current_user`,
    ],
    ['a publication', () => 'create publication everything for all tables', () => 'drop publication everything'],
    [
      'a publication of one table',
      () => 'create publication one for table documents (id)',
      () => 'drop publication one',
    ],
    [
      'default privileges',
      () => `alter default privileges grant select on tables to ${user}`,
      () => `alter default privileges revoke select on tables from ${user}`,
    ],
    ['a type', () => `create domain code as text check (value <> '')`, () => 'drop domain code'],
    [
      'a language',
      () => `grant usage on language plpgsql to ${user}`,
      () => `revoke usage on language plpgsql from ${user}`,
    ],
    [
      'a foreign server',
      () => 'create foreign data wrapper far; create server away foreign data wrapper far',
      () => 'drop foreign data wrapper far cascade',
    ],
    ['an event trigger', () => 'alter event trigger ears disable', () => 'alter event trigger ears enable'],
    [
      'an operator',
      () => `create operator public.=== (leftarg = uuid, rightarg = uuid, function = uuid_eq)`,
      () => 'drop operator public.=== (uuid, uuid)',
    ],
    ['a cast', () => 'create cast (bigint as macaddr8) with inout', () => 'drop cast (bigint as macaddr8)'],
    [
      'a builtin that is marked leakproof',
      () => 'alter function textlike(text, text) leakproof',
      () => 'alter function textlike(text, text) not leakproof',
    ],
    [
      'a collation',
      () => `create collation loose (provider = icu, locale = 'und', deterministic = false)`,
      () => 'drop collation loose',
    ],
    [
      'an identity',
      () => 'alter table digest_late alter id add generated always as identity',
      () => 'alter table digest_late alter id drop identity',
    ],
    [
      'a partition',
      () => 'alter table digest_late inherit digest_early',
      () => 'alter table digest_late no inherit digest_early',
    ],
    [
      'a rewrite rule that is off',
      () => 'alter table digest_late disable rule nothing',
      () => 'alter table digest_late enable rule nothing',
    ],
    [
      'checks of keys that are off',
      () => 'alter table digest_key disable trigger all',
      () => 'alter table digest_key enable trigger all',
    ],
    ['a member of a role', () => `grant ${user} to ${login}`, () => `revoke ${user} from ${login}`],
  ])('%s', { timeout: 60_000 }, async (_what, change, undo) => {
    const before = await digestOf(database)
    await database.admin(change())
    expect(await digestOf(database)).not.toBe(before)
    await database.admin(undo())
    const restored = async () => (await digestOf(database)) === (await digestOf(twin))
    await expect.poll(restored, { timeout: 20_000, interval: 200 }).toBe(true)
  })

  it('an attribute of a login that is a member of a named role', { timeout: 60_000 }, async () => {
    await database.admin(`grant ${user} to ${login}`)
    const before = await digestOf(database)
    await database.admin(`alter role ${login} bypassrls`)
    expect(await digestOf(database)).not.toBe(before)
  })
})
