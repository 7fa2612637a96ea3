import { describe, expect, it } from 'vitest'
import { readCatalog } from '../../src/catalog/read-catalog.ts'
import { planProtection } from '../../src/protect/plan.ts'
import { decisionsOf } from '../../src/protect/render/script.ts'
import type { FoundTable } from '../../src/protect/target.ts'
import { apply, withProtectCase } from './protect-case.ts'
import { B, UUID_SCHEMA } from './schemas.ts'

describe('what protect leaves to a person', () => {
  it('says so where no role of the application was found, and still protects', async () => {
    await withProtectCase(UUID_SCHEMA, async (given) => {
      const catalog = await readCatalog({
        query: (text, values) => given.admin.query(text, values === undefined ? undefined : [...values]),
      })
      const tables = [...catalog.relations.values()].flatMap((relation): readonly FoundTable[] => {
        const column = relation.columns.find((each) => each.name === 'tenant_id')
        return column === undefined ? [] : [{ kind: 'tenant', relation, column }]
      })
      const plan = planProtection({
        catalog,
        tables,
        appRole: undefined,
        setting: { setting: 'app.current_tenant_id', path: [] },
        seal: false,
        indexes: false,
        schemas: new Set(['public']),
        orphans: new Set(),
      })
      expect(plan.decisions.map((decision) => decision.reason).join()).toContain('no role of the application was found')
      expect(plan.changes.flatMap((change) => change.up).join()).toContain('FORCE ROW LEVEL SECURITY')
    })
  })

  it('names an application that owns its tables', async () => {
    await withProtectCase(UUID_SCHEMA, async (given) => {
      await given.admin.query(`alter table tasks owner to ${given.appRole}`)
      const plan = await given.plan({ appRole: given.appRole })
      expect(plan.decisions.map((decision) => decision.reason).join()).toContain('it can turn row security off')
    })
  })

  it('names what verify finds beyond the tables: code, roles, rights', async () => {
    await withProtectCase(UUID_SCHEMA, async (given) => {
      await given.admin.query(`grant pg_read_all_data to ${given.appRole};
        create function all_users() returns setof users language sql security definer set search_path = '' as 'select * from public.users'`)
      const { decisions } = await given.plan({ appRole: given.appRole })
      expect(decisions.find((decision) => decision.object === 'public.all_users()')).toMatchObject({
        reason: expect.stringContaining('secdef-unfiltered'),
        sql: expect.stringContaining('ALTER FUNCTION'),
      })
      expect(decisions.find((decision) => decision.object === `role ${given.appRole}`)?.reason).toContain(
        'pg_read_all_data',
      )
    })
  })

  it('names keys that a tenant may take, and sequences that it may use up', async () => {
    await withProtectCase(UUID_SCHEMA, async (given) => {
      await given.admin.query(`create table tickets (id serial primary key, tenant_id uuid not null, title text);
        grant select, insert on tickets to ${given.appRole}; grant usage on sequence tickets_id_seq to ${given.appRole}`)
      const { decisions } = await given.plan({ appRole: given.appRole })
      const named = decisions.filter(
        ({ object, reason }) =>
          object.includes('tickets') && /\((serial-key-given|sequence-exhaustible)\)$/.test(reason),
      )
      expect(named.map(({ object }) => object).sort()).toEqual(['public.tickets', 'public.tickets_id_seq'])
      for (const { sql } of named) expect(sql).toContain('GENERATED ALWAYS AS IDENTITY')
    })
  })

  it('offers foreign keys that can be made: the unique key that they refer to comes first', async () => {
    const schema = `create table tenants (id uuid primary key); create table users (id uuid primary key, tenant_id uuid references tenants);
      create table keys (id int primary key, tenant_id uuid not null references tenants);
      create table logs (id int primary key, tenant_id uuid references tenants, key_id int references keys, other_id int references keys);
      insert into tenants values ('${B}'); insert into keys values (1, '${B}'); insert into logs values (1, null, null, null), (2, '${B}', 1, 1);`
    await withProtectCase(schema, async (given) => {
      const { decisions } = await given.plan({ appRole: given.appRole })
      const offered = decisions.filter(({ reason }) => reason.includes('leaves out the tenant'))
      expect(offered.map(({ object }) => object)).toEqual(['public.logs', 'public.logs'])
      for (const { sql = '' } of offered) await given.admin.query(sql)
      const after = await given.plan({ appRole: given.appRole })
      expect(after.decisions.filter(({ reason }) => reason.includes('leaves out the tenant'))).toEqual([])
    })
  })

  it('says what a foreign key without the tenant leaves open, also where no row of the table may lack a tenant', async () => {
    const schema = `create table tenants (id uuid primary key); create table users (id int primary key, tenant_id uuid references tenants);
      create table notes (id int primary key, tenant_id uuid not null references tenants, author int references users);
      create table logs (id int primary key, tenant_id uuid references tenants, author int references users);
      insert into tenants values ('${B}'); insert into users values (1, null); insert into logs values (1, null, null);`
    await withProtectCase(schema, async (given) => {
      const { decisions } = await given.plan({ appRole: given.appRole })
      const reasonOf = (table: string) =>
        decisions.find(({ object, reason }) => object === table && reason.includes('leaves out the tenant'))?.reason
      expect(reasonOf('public.logs')).toContain('Rows here without a tenant would not be checked.')
      expect(reasonOf('public.notes')).toContain(
        'Some rows of public.users have no tenant, and the new key refuses rows that refer to them. If rows of public.notes refer to such rows,',
      )
      expect(reasonOf('public.notes')).not.toContain('would not be checked')
    })
  })

  it('says that rows without a tenant need one before the migration runs', async () => {
    const schema = `create table tenants (id uuid primary key); create table logs (id int primary key, tenant_id uuid references tenants);
      insert into tenants values ('${B}'); insert into logs values (1, null);`
    await withProtectCase(schema, async (given) => {
      const plan = await given.plan({ appRole: given.appRole })
      const orphans = plan.decisions.find(({ reason }) => reason.startsWith('some rows have no tenant_id'))
      expect(orphans?.reason).toContain(
        'no tenant will see them. Give each a tenant, or delete it, before this migration runs: afterwards the trigger partywall_enforce_tenant_id',
      )
      await apply(given.owner, plan, 'up')
      await expect(given.admin.query(`update logs set tenant_id = '${B}'`)).rejects.toMatchObject({ code: '42501' })
    })
  })

  it('keeps a table out that is not named', async () => {
    await withProtectCase(UUID_SCHEMA, async (given) => {
      const plan = await given.plan({ tables: ['users', 'public.tasks'] })
      const objects = new Set(plan.changes.map((change) => change.object).filter((name) => name.startsWith('public.')))
      expect([...objects].sort()).toEqual(['public.tasks', 'public.users'])
      await apply(given.owner, plan, 'up')
      await expect(given.plan({ tables: ['countries'] })).rejects.toMatchObject({ code: 'PARTYWALL_CONFIGURATION' })
    })
  })

  it('stops at rows that refer to another tenant', async () => {
    await withProtectCase(UUID_SCHEMA, async (given) => {
      await given.owner.query(
        `update projects set owner_id = (select id from users where tenant_id = '${B}') where tenant_id <> '${B}'`,
      )
      await expect(apply(given.owner, await given.plan(), 'up')).rejects.toThrow(
        'violates foreign key constraint "projects_owner_id_fkey_tenant"',
      )
    })
  })

  it('writes no line that a name could break out of', async () => {
    const odd = `create table "x\n; drop table users; --" (id uuid primary key, tenant_id uuid, "$partywall$" text unique);`
    await withProtectCase(UUID_SCHEMA + odd, async (given) => {
      const plan = await given.plan()
      await apply(given.owner, plan, 'up')
      expect((await given.admin.query('select from users')).rowCount).toBe(2)
      const lines = decisionsOf(plan.decisions).split('\n')
      expect(lines.length).toBeGreaterThan(2)
      expect(lines.filter((line) => !line.startsWith('--'))).toEqual([])
    })
  })
})
