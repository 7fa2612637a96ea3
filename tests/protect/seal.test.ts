import { describe, expect, inject, it } from 'vitest'
import { planFor } from '../../cli/protect/protect-plan.ts'
import { migrate } from '../../src/migrate/migrate.ts'
import { createTestDatabase } from '../setup/database.ts'
import { apply, withProtectCase } from './protect-case.ts'
import { BIGINT_SCHEMA, UUID_SCHEMA } from './schemas.ts'

const SECRET = 'a-root-secret-of-one-test-only-0123456789abcdef'

describe('partywall protect --seal', () => {
  it('seals an unprotected schema so that verify, attacking it sealed, finds nothing', async () => {
    const directory = `alter table tenants add key text, add status text not null default 'active', add tier text not null default 'free';`
    await withProtectCase(UUID_SCHEMA + directory, async (given) => {
      await migrate({ databaseUrl: given.adminUrl, sealSecret: SECRET })
      const before = await given.fingerprint()
      const plan = await given.plan({ seal: true, databaseUrl: given.adminUrl })
      await apply(given.admin, plan, 'up')
      const after = await given.fingerprint()
      expect((await given.plan({ seal: true, databaseUrl: given.adminUrl, appRole: given.appRole })).changes).toEqual(
        [],
      )
      expect(await given.problems({ sealSecret: SECRET })).toEqual([])
      await apply(given.admin, plan, 'up')
      expect(await given.fingerprint()).toBe(after)
      await apply(given.admin, plan, 'down')
      expect(await given.fingerprint()).toBe(before)
    })
  })

  it('installs the directory of tenants whose ids are numbers', async () => {
    const directory = `alter table "Shop".organizations add status text not null default 'active', add tier text not null default 'free';
      update "Shop".organizations set slug = 'acme' where id = 1;`
    await withProtectCase(BIGINT_SCHEMA + directory, async (given) => {
      await migrate({ databaseUrl: given.adminUrl, sealSecret: SECRET })
      const plan = await given.plan({ seal: true, databaseUrl: given.adminUrl, appRole: given.appRole })
      expect(plan.changes.flatMap((change) => change.up).join()).toContain('CALL partywall.install_directory')
      await apply(given.admin, plan, 'up')
      const { rows } = await given.admin.query(
        `select k.id as key, i.id from partywall.directory_by_key('acme') as k, partywall.directory_by_id('1') as i`,
      )
      expect(rows).toEqual([{ key: '1', id: '1' }])
      // Its trigger tells of changes; of an integer id, too.
      await given.admin.query(`update "Shop".organizations set status = 'suspended' where id = 1`)
      await apply(given.admin, plan, 'down')
    })
  })

  it.each(['int', 'bigint', 'uuid', 'varchar(40)'])(
    'installs the directory where the key is the id: %s',
    async (type) => {
      const id = type === 'uuid' ? '00000000-0000-4000-8000-00000000000a' : '7'
      const schema = `create table tenants (id ${type} primary key, status text not null default 'active', tier text not null default 'free');
      create table notes (id int primary key, tenant_id ${type} not null references tenants (id)); create index on notes (tenant_id);
      grant select on tenants, notes to {app}; insert into tenants values ('${id}');`
      await withProtectCase(schema, async (given) => {
        await migrate({ databaseUrl: given.adminUrl, sealSecret: SECRET })
        const plan = await given.plan({ seal: true, databaseUrl: given.adminUrl, appRole: given.appRole })
        await apply(given.admin, plan, 'up')
        const byKey = async (key: string) =>
          (await given.admin.query('select id from partywall.directory_by_key($1)', [key])).rows.map((row) => row.id)
        expect(await byKey(id)).toEqual([id])
        expect(await byKey('nobody')).toEqual([])
      })
    },
  )

  it('seals a table for roles that reach it by inheritance too', async () => {
    await withProtectCase(UUID_SCHEMA, async (given) => {
      await migrate({ databaseUrl: given.adminUrl, sealSecret: SECRET })
      await given.admin.query(`grant pg_read_all_data to ${given.appRole}`)
      const plan = await given.plan({ seal: true, databaseUrl: given.adminUrl, appRole: given.appRole })
      await apply(given.admin, plan, 'up')
      const { rows } = await given.admin.query(
        `select polroles::regrole[]::text as roles from pg_policy where polname = 'tenant_seal_policy' and polrelid = 'users'::regclass`,
      )
      expect(rows[0]?.roles).toContain(given.appRole)
      const problems = await given.problems({ sealSecret: SECRET })
      expect(problems.filter((problem) => problem.includes('policy-unsealed'))).toEqual([])
      await apply(given.admin, plan, 'down')
    })
  })

  it('asks for schema partywall first', async () => {
    await withProtectCase(UUID_SCHEMA, async (given) => {
      await expect(given.plan({ seal: true })).rejects.toMatchObject({ code: 'PARTYWALL_CONFIGURATION' })
    })
  })
})

describe('partywall protect on the example schema', () => {
  it('has nothing to do', async () => {
    const database = await createTestDatabase()
    expect(inject('postgres').template).toBeTruthy()
    const plan = await planFor({ databaseUrl: database.adminUrl, seal: true, appRole: 'app' })
    expect(plan.changes.map((change) => change.up.join('\n'))).toEqual([])
  })
})
