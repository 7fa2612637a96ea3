import { describe, expect, it } from 'vitest'
import { apply, withProtectCase } from './protect-case.ts'
import { A, UUID_SCHEMA } from './schemas.ts'

describe('an interrupted migration', () => {
  it('ends in the same schema when it is run again, wherever it stopped', async () => {
    await withProtectCase(UUID_SCHEMA, async (given) => {
      const plan = await given.plan()
      const before = await given.fingerprint()
      const all = await apply(given.owner, plan, 'up')
      const after = await given.fingerprint()
      await apply(given.owner, plan, 'down')
      for (let share = 1; share < 8; share += 1) {
        await apply(given.owner, plan, 'up', Math.floor((all * share) / 8))
        await apply(given.owner, plan, 'up')
        expect(await given.fingerprint()).toBe(after)
        await apply(given.owner, plan, 'down')
        expect(await given.fingerprint()).toBe(before)
      }
    })
  })

  it('ends in the same schema when it is planned again after it stopped', async () => {
    await withProtectCase(UUID_SCHEMA, async (given) => {
      const plan = await given.plan()
      const all = await apply(given.owner, plan, 'up')
      const after = await given.fingerprint()
      await apply(given.owner, plan, 'down')
      // The first stops before the backfill.
      for (const stop of [6, ...[1, 2, 3].map((share) => Math.floor((all * share) / 4))]) {
        await apply(given.owner, plan, 'up', stop)
        await apply(given.owner, await given.plan(), 'up')
        expect(await given.fingerprint()).toBe(after)
        await apply(given.owner, plan, 'down')
      }
    })
  })

  it('builds again an index that an interrupted CREATE INDEX CONCURRENTLY left invalid', async () => {
    await withProtectCase(UUID_SCHEMA, async (given) => {
      await given.owner.query('create unique index users_tenant_id_id_key on users (tenant_id, id)')
      await given.admin.query(
        `update pg_index set indisvalid = false where indexrelid = 'users_tenant_id_id_key'::regclass`,
      )
      await apply(given.owner, await given.plan(), 'up')
      const { rows } = await given.admin.query('select from pg_index where not indisvalid')
      expect(rows).toEqual([])
    })
  })

  it('refuses to fill a child as a role from which row security hides the parents', async () => {
    await withProtectCase(UUID_SCHEMA, async (given) => {
      await given.owner.query('alter table projects enable row level security, force row level security')
      const plan = await given.plan()
      await expect(apply(given.owner, plan, 'up')).rejects.toThrow(
        /^\S+: partywall: row security hides rows of public\.tasks/,
      )
      const { rows } = await given.admin.query('select from tasks where tenant_id is not null')
      expect(rows).toEqual([])
      await apply(given.admin, plan, 'up')
      await given.as(A, async (client) => {
        expect((await client.query('select from tasks')).rowCount).toBe(300)
      })
    })
  })

  it('refuses to check a foreign key as a role from which row security hides the rows', async () => {
    await withProtectCase(UUID_SCHEMA, async (given) => {
      // A reference over tenants, which the server passes unseen when the owner is blind.
      await given.owner.query(`
        update projects set owner_id = (select id from users where tenant_id = '${A}');
        alter table projects enable row level security, force row level security;
        create policy own on projects using (tenant_id::text = current_setting('app.current_tenant_id', true));
        alter table users enable row level security, force row level security;
        create policy own on users using (tenant_id::text = current_setting('app.current_tenant_id', true));`)
      const plan = await given.plan({ tables: ['users', 'projects'] })
      await expect(apply(given.owner, plan, 'up')).rejects.toThrow(
        /^\S+: partywall: row security hides rows .* can not be checked/,
      )
    })
  })

  it('stops before anything is forced when a child has no parent with a tenant', async () => {
    await withProtectCase(UUID_SCHEMA, async (given) => {
      const plan = await given.plan()
      await given.owner.query(`
        insert into projects (id, name) values (gen_random_uuid(), 'nobody''s');
        insert into tasks (project_id, title) select id, 'lost' from projects where tenant_id is null`)
      await expect(apply(given.owner, plan, 'up')).rejects.toThrow('partywall_projects_tenant_id_not_null')
      const { rows } = await given.admin.query(
        'select from pg_class where relforcerowsecurity and relnamespace = $1::regnamespace',
        ['public'],
      )
      expect(rows).toEqual([])
      const again = await given.plan()
      expect(again.decisions.map((decision) => decision.reason).join()).toContain('some rows have no tenant_id')
    })
  })
})
