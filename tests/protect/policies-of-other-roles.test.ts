// An entry login has policies of its own on the tables that it reads before the tenant is known. They say nothing about tenants.
import { describe, expect, it } from 'vitest'
import { migrate } from '../../src/migrate/migrate.ts'
import { consequencesOf } from '../../src/protect/consequences.ts'
import { apply, type ProtectCase, withProtectCase } from './protect-case.ts'
import { A } from './schemas.ts'

const SECRET = 'a-root-secret-of-one-test-only-0123456789abcdef'

const TABLES = `
  create table tenants (id uuid primary key, name text not null);
  create table users (id uuid primary key, tenant_id uuid references tenants (id), email text); create index on users (tenant_id);
  create table tasks (id uuid primary key, tenant_id uuid not null references tenants (id), title text); create index on tasks (tenant_id);
  insert into tenants values ('${A}', 'a');
  grant select, insert on tenants to {app}; grant select, insert, update, delete on users, tasks to {app};`

/** Runs the work with a role that is no role of the application. */
async function withEntryLogin(given: ProtectCase, work: (entry: string) => Promise<void>): Promise<void> {
  const entry = `${given.appRole}_entry`
  await given.admin.query(`create role ${entry} login`)
  try {
    await work(entry)
  } finally {
    await given.admin.query(`drop owned by ${entry}; drop role ${entry}`)
  }
}

const policiesFor = (entry: string) => `
  create policy partywall_entry_read on tenants for select to ${entry} using (true);
  create policy partywall_entry_insert on tenants for insert to ${entry} with check (true);
  create policy partywall_entry_read on users for select to ${entry} using (true);
  create policy partywall_entry_read on tasks for select to ${entry} using (true);
  grant select, insert on tenants to ${entry}; grant select on users, tasks to ${entry};`

describe('policies of other roles than the application', () => {
  it('are no reason to say that row security was off, once protect --seal has turned it on', async () => {
    await withProtectCase(TABLES, async (given) => {
      await migrate({ databaseUrl: given.adminUrl, sealSecret: SECRET })
      const options = { seal: true, databaseUrl: given.adminUrl, appRole: given.appRole }
      await apply(given.admin, await given.plan(options), 'up')
      await withEntryLogin(given, async (entry) => {
        await given.admin.query(policiesFor(entry))
        const { changes, decisions } = await given.plan(options)
        expect(changes).toEqual([])
        const told = decisions.map(({ reason, sql = '' }) => `${reason} ${sql}`).join('\n')
        expect(told).not.toContain('row security was off')
        expect(told).not.toContain('row security is off')
        expect(told).not.toContain('DROP POLICY')
      })
    })
  })

  it('say nothing about rows that tenants share: NOT NULL and foreign keys are written', async () => {
    await withProtectCase(TABLES, async (given) => {
      await migrate({ databaseUrl: given.adminUrl, sealSecret: SECRET })
      const options = { seal: true, databaseUrl: given.adminUrl, appRole: given.appRole }
      await apply(given.admin, await given.plan(options), 'up')
      await withEntryLogin(given, async (entry) => {
        await given.admin.query(`${policiesFor(entry)} alter table users alter column tenant_id drop not null;
          create table comments (id uuid primary key, task_id uuid not null references tasks (id), body text);
          alter table comments owner to ${given.appRole.replace('_app_', '_owner_')};
          grant select, insert on comments to ${given.appRole}`)
        const plan = await given.plan(options)
        const told = plan.decisions.map(({ reason }) => reason).join('\n')
        expect(told).not.toContain('may stay NULL')
        expect(told).not.toContain('could not be referred to')
        const up = plan.changes.flatMap((change) => change.up).join('\n')
        expect(up).toContain('ALTER TABLE public.users ALTER COLUMN tenant_id SET NOT NULL')
        expect(up).toContain('ADD CONSTRAINT comments_task_id_fkey_tenant FOREIGN KEY (tenant_id, task_id)')
        await apply(given.admin, plan, 'up')
      })
    })
  })

  it('cannot decide about the rows of the application, where row security was off', async () => {
    await withProtectCase(TABLES, async (given) => {
      await withEntryLogin(given, async (entry) => {
        await given.admin.query(policiesFor(entry))
        await given.owner.query('create policy named on tasks for select using (title is not null)')
        const { decisions } = await given.plan({ appRole: given.appRole })
        const off = decisions.filter(({ reason }) => reason.startsWith('row security was off'))
        // Without the policy of partywall, no policy would let the application write there.
        expect(off.map(({ object }) => object)).toEqual(['public.tasks'])
        expect(off[0]?.reason).toContain('so named had no effect')
        expect(off[0]?.reason).toContain('The application can then no longer INSERT, UPDATE, DELETE there.')
      })
    })
  })
})

describe('what protect says about row security', () => {
  it('names no row security that is off, where an earlier run has turned it on and sessions may not set the setting', async () => {
    await withProtectCase(TABLES, async (given) => {
      const options = { appRole: given.appRole }
      await apply(given.owner, await given.plan(options), 'up')
      // Now the policies of the schema ask for something else than the setting.
      await given.owner.query(`create policy everybody on tasks using (true);
        create function who() returns uuid language sql stable as $$ select nullif(current_setting('app.person', true), '')::uuid $$;
        drop policy tenant_isolation_policy on users; create policy of_person on users using (tenant_id = (select who()))`)
      const { decisions } = await given.plan({ ...options, setting: 'app.other' })
      expect(decisions.map(({ reason }) => reason).join('\n')).not.toMatch(/row security (is|was) off/)
    })
  })

  it('names seeds and jobs of the owner only if policies apply to the owner', async () => {
    await withProtectCase(TABLES, async (given) => {
      await given.admin.query('alter table tasks owner to current_user')
      const plan = await given.plan({ appRole: given.appRole, databaseUrl: given.adminUrl })
      const forced = consequencesOf(plan, false).find((sentence) => sentence.startsWith('FORCE'))
      expect(forced).toContain('public.users')
      expect(forced).not.toContain('public.tasks')
    })
  })
})

describe('a parent table whose rows are shared', () => {
  it('is not said to have rows without a tenant, if its tenant column is NOT NULL', async () => {
    const schema = `${TABLES}
      create table templates (id uuid primary key, tenant_id uuid not null references tenants (id), is_public boolean not null default false);
      create table uses (id uuid primary key, tenant_id uuid not null references tenants (id), template_id uuid references templates (id));
      create index on templates (tenant_id); create index on uses (tenant_id); grant select, insert on templates, uses to {app};
      alter table templates enable row level security;
      create policy own on templates using (tenant_id = nullif(current_setting('app.current_tenant_id', true), '')::uuid or is_public);`
    await withProtectCase(schema, async (given) => {
      const { decisions } = await given.plan({ appRole: given.appRole })
      const key = decisions.find(({ object, reason }) => object === 'public.uses' && reason.includes('foreign key'))
      expect(key?.reason).toContain('show some of its rows to all tenants')
      expect(key?.reason).not.toContain('no tenant')
    })
  })
})
