// SQL that is injected into a tenant's statement asks the tenant directory about other tenants.
import pg from 'pg'
import { beforeAll, describe, expect, it } from 'vitest'
import { runWithoutTenant } from '../../src/context/run-with-tenant.ts'
import { migrate } from '../../src/migrate/migrate.ts'
import { createPostgresLookup } from '../../src/tenants/postgres-lookup.ts'
import { createTestDatabase } from '../setup/database.ts'
import { createTwoTenants, type TwoTenants } from '../setup/two-tenants.ts'

let two: TwoTenants

beforeAll(async () => {
  two = await createTwoTenants()
})

const refused = { code: '42501', message: expect.stringContaining('answers only in the empty context') }

describe('the tenant directory inside a tenant’s context', () => {
  const guesses = (): [string, string, readonly unknown[]][] => [
    ['another tenant’s key', 'select * from partywall.tenant_by_key($1)', [two.b.key]],
    ['its own key', 'select * from partywall.tenant_by_key($1)', [two.a.key]],
    ['a key that nobody has', 'select * from partywall.tenant_by_key($1)', ['nobody-has-this']],
    ['another tenant’s id', 'select * from partywall.tenant_by_id($1)', [two.b.id]],
    ['an id that nobody has', 'select * from partywall.tenant_by_id($1)', ['00000000-0000-4000-8000-000000000000']],
    [
      'many guesses at once',
      "select t.* from generate_series(1, 1000) g, lateral partywall.tenant_by_key('tenant-' || g) t",
      [],
    ],
    [
      'a lookup behind a condition that hides it',
      'select (select id from partywall.tenant_by_key($1)) from documents where title is not null',
      [two.b.key],
    ],
    [
      'the setting emptied in the same statement',
      "select s.*, t.* from (select set_config('app.current_tenant_id', '', true), set_config('app.tenant_seal', '', true) offset 0) s, lateral partywall.tenant_by_key($1) t",
      [two.b.key],
    ],
    [
      'the setting emptied by a statement in the statement',
      `select set_config('app.tenant_seal', 'e1--------', true), query_to_xml('select * from partywall.tenant_by_key(''${two.b.key}'')', true, false, '')`,
      [],
    ],
    [
      'the prefix of an empty context’s seal',
      `select set_config('app.tenant_seal', repeat('0', 64) || 'e1--------' || substr(current_setting('app.tenant_seal'), 67, 8) || 'p9999999999', true), query_to_xml('select * from partywall.tenant_by_key(''${two.b.key}'')', true, false, '')`,
      [],
    ],
  ]

  it('refuses each guess alike, whether it is right or not', () =>
    two.withPool({}, async (pool) => {
      for (const roles of [[], ['owner']]) {
        for (const [what, text, values] of guesses()) {
          const error: unknown = await two.as(
            two.a,
            () => pool.query(text, [...values]).catch((e: unknown) => e),
            roles,
          )
          expect({ what, error }).toMatchObject({ what, error: refused })
        }
      }
    }))

  it('refuses in a transaction, too, and the functions behind it are nobody’s', () =>
    two.withPool({}, async (pool) => {
      const inTransaction = two.as(two.a, () =>
        pool.transaction((tx) => tx.query('select * from partywall.tenant_by_key($1)', [two.b.key])),
      )
      await expect(inTransaction).rejects.toMatchObject(refused)
      for (const name of ['directory_by_key', 'directory_by_id', 'require_empty_context', 'is_empty_context']) {
        const call = `select * from partywall.${name}(${name.startsWith('directory') ? '$1' : ''})`
        const values = name.startsWith('directory') ? [two.b.key] : []
        await expect(two.as(two.a, () => pool.query(call, values))).rejects.toMatchObject({ code: '42501' })
        await expect(runWithoutTenant(() => pool.query(call, values))).rejects.toMatchObject({ code: '42501' })
      }
    }))

  it('answers the application, outside of a context and within one', () =>
    two.withPool({}, async (pool) => {
      const { findByClaim, findById } = createPostgresLookup(pool)
      expect(await findByClaim(two.b.key)).toMatchObject({ id: two.b.id, status: 'active' })
      expect(await two.as(two.a, () => findByClaim(two.b.key))).toMatchObject({ id: two.b.id })
      expect(await two.as(two.a, () => findById(two.b.id))).toMatchObject({ id: two.b.id })
      expect(await findByClaim('nobody-has-this')).toBeUndefined()
      expect(await findById('no uuid')).toBeUndefined()
    }))
})

describe('a database whose directory was made by an earlier release', () => {
  it('is guarded by the next migration, with the columns it was made for', async () => {
    const database = await createTestDatabase({ migrated: false })
    await migrate({ databaseUrl: database.adminUrl, sealSecret: database.sealSecret })
    // As that release left it: the functions that read stand under the public names.
    await database.admin(`
      create table shops (shop_id integer primary key, label text not null, state text not null, plan text not null);
      insert into shops values (7, 'seven', 'active', 'pro');
      alter table shops enable row level security`)
    await database.admin("call partywall.install_directory('public.shops', 'shop_id', 'label', 'state', 'plan')")
    await database.admin(`
      drop function partywall.tenant_by_key(text), partywall.tenant_by_id(text);
      alter function partywall.directory_by_key(text) rename to tenant_by_key;
      alter function partywall.directory_by_id(text) rename to tenant_by_id;
      grant execute on function partywall.tenant_by_key(text), partywall.tenant_by_id(text) to tenant_user, tenant_admin;
      drop procedure partywall.guard_directory();
      drop function partywall.revoked_credentials(bytea[]);
      drop function partywall.require_empty_context();
      drop procedure partywall.install_directory(regclass, name, name, name, name);
      create procedure partywall.install_directory(tenants regclass, id_column name default 'id', key_column name default 'key',
        status_column name default 'status', tier_column name default 'tier') language sql as $$ select 1 $$;
      alter procedure partywall.install_directory(regclass, name, name, name, name) owner to partywall_owner;
      delete from partywall.migrations where name = '0004_directory_context.sql'`)
    await migrate({ databaseUrl: database.adminUrl })
    const client = new pg.Client(database.adminUrl)
    await client.connect()
    try {
      await expect(client.query("select * from partywall.tenant_by_key('seven')")).rejects.toMatchObject(refused)
      const { rows } = await client.query("select * from partywall.directory_by_key('seven')")
      expect(rows).toEqual([{ id: '7', status: 'active', tier: 'pro' }])
      await client.query('set role tenant_user')
      await expect(client.query("select * from partywall.directory_by_key('seven')")).rejects.toMatchObject({
        code: '42501',
      })
    } finally {
      await client.end()
    }
  })
})
