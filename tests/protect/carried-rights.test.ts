import { describe, expect, it } from 'vitest'
import { migrate } from '../../src/migrate/migrate.ts'
import type { ProtectPlan } from '../../src/protect/change.ts'
import { apply, type ProtectCase, withProtectCase } from './protect-case.ts'

const SECRET = 'a-root-secret-of-one-test-only-0123456789abcdef'

const TABLES = `
  create table tenants (id uuid primary key);
  create table users (id uuid primary key, tenant_id uuid not null references tenants, email text);
  create table invoices (id uuid primary key, tenant_id uuid not null references tenants, amount int);
  create table notes (id uuid primary key, tenant_id uuid not null references tenants, secret text, body text);
  create table sessions (id serial primary key, tenant_id uuid not null references tenants, token text);
  create table rates (id int primary key, internal int, shown int);
  create index on users (tenant_id); create index on invoices (tenant_id); create index on notes (tenant_id); create index on sessions (tenant_id);`

const GRANTS = `
  grant select on tenants to {app};
  grant select, insert, update, delete on users to {app};
  grant select on invoices to {app};
  grant select (id, tenant_id, body), update (body) on notes to {app};
  grant select (id, shown) on rates to {app};`

/** `tenant_user notes UPDATE(body)`: what partywall's roles may do with rows, as PostgreSQL sees it. */
const RIGHTS = `
  select r.rolname || ' ' || c.relname || ' ' || p.name || case when pg_catalog.has_table_privilege(r.oid, c.oid, p.name) then '' else
    '(' || (select pg_catalog.string_agg(a.attname, ',' order by a.attname) from pg_catalog.pg_attribute a where a.attrelid = c.oid and a.attnum > 0
      and pg_catalog.has_column_privilege(r.oid, c.oid, a.attnum, p.name)) || ')' end as line
  from pg_catalog.pg_roles r, pg_catalog.pg_class c, (values ('SELECT'), ('INSERT'), ('UPDATE'), ('DELETE')) as p (name)
  where r.rolname = any ($1) and c.relnamespace = 'public'::pg_catalog.regnamespace and c.relkind = 'r'
    and (pg_catalog.has_table_privilege(r.oid, c.oid, p.name)
      or (p.name <> 'DELETE' and pg_catalog.has_any_column_privilege(r.oid, c.oid, p.name)))
  order by 1`

async function rightsOf({ admin }: ProtectCase, ...roles: readonly string[]): Promise<readonly string[]> {
  return (await admin.query<{ line: string }>(RIGHTS, [roles])).rows.map(({ line }) => line)
}

async function sealed(given: ProtectCase): Promise<ProtectPlan> {
  await migrate({ databaseUrl: given.adminUrl, sealSecret: SECRET })
  return given.plan({ seal: true, databaseUrl: given.adminUrl, appRole: given.appRole })
}

describe('the privileges that protect --seal moves', () => {
  it('are those of the application, table by table and column by column', async () => {
    await withProtectCase(TABLES + GRANTS, async (given) => {
      const before = await rightsOf(given, given.appRole)
      const plan = await sealed(given)
      await apply(given.admin, plan, 'up')
      const asAdmin = before.map((line) => line.replace(given.appRole, 'tenant_admin'))
      expect(await rightsOf(given, 'tenant_admin')).toEqual(asAdmin)
      expect(await rightsOf(given, 'tenant_user')).toEqual(
        before.filter((line) => !line.endsWith('DELETE')).map((line) => line.replace(given.appRole, 'tenant_user')),
      )
      expect(await rightsOf(given, 'partywall_cross')).toEqual([
        'partywall_cross invoices SELECT',
        'partywall_cross notes SELECT(body,id,tenant_id)',
        'partywall_cross tenants SELECT',
        'partywall_cross users SELECT',
      ])
      // The lookup table has no tenants, so the login keeps its rights there.
      expect(await rightsOf(given, given.appRole)).toEqual([`${given.appRole} rates SELECT(id,shown)`])
      await apply(given.admin, plan, 'down')
      expect(await rightsOf(given, given.appRole)).toEqual(before)
    })
  })

  it('are none on a table that the application does not reach: the grants are left to decide', async () => {
    await withProtectCase(TABLES + GRANTS, async (given) => {
      const plan = await sealed(given)
      const decision = plan.decisions.find(({ object }) => object === 'public.sessions')
      expect(decision?.reason).toContain('had a privilege on its rows, so none is granted')
      expect(decision?.sql).toContain('GRANT SELECT, INSERT, UPDATE ON public.sessions TO tenant_user;')
      expect(plan.changes.flatMap(({ up }) => up).join('\n')).not.toMatch(/GRANT .* ON (SEQUENCE )?public\.sessions/)
      expect(plan.decisions.filter(({ reason }) => reason.includes('none is granted'))).toHaveLength(1)
    })
  })

  it('stay as they are in a second run, also those that somebody changed by hand', async () => {
    await withProtectCase(TABLES + GRANTS, async (given) => {
      await apply(given.admin, await sealed(given), 'up')
      await given.admin.query('grant select on sessions to tenant_admin; revoke update on users from tenant_user')
      const roles = ['tenant_user', 'tenant_admin', 'partywall_cross']
      const rights = await rightsOf(given, ...roles)
      const again = await given.plan({ seal: true, databaseUrl: given.adminUrl, appRole: given.appRole })
      await apply(given.admin, again, 'up')
      expect(await rightsOf(given, ...roles)).toEqual(rights)
    })
  })

  it('include those of PUBLIC and of a role that the login inherits', async () => {
    const more = `grant select on sessions to public;`
    await withProtectCase(TABLES + GRANTS + more, async (given) => {
      const group = `${given.appRole}_group`
      await given.admin.query(
        `create role ${group}; grant insert on invoices to ${group}; grant ${group} to ${given.appRole}`,
      )
      try {
        await apply(given.admin, await sealed(given), 'up')
        const rights = await rightsOf(given, 'tenant_user')
        expect(rights).toContain('tenant_user sessions SELECT')
        expect(rights).not.toContain('tenant_user sessions INSERT')
        expect(rights).toContain('tenant_user invoices INSERT')
        expect(rights).not.toContain('tenant_user invoices UPDATE')
      } finally {
        await given.admin.query(`drop owned by ${group}; drop role ${group}`)
      }
    })
  })

  it('are the usual ones for a login that reaches no table yet', async () => {
    await withProtectCase(TABLES, async (given) => {
      await apply(given.admin, await sealed(given), 'up')
      const rights = await rightsOf(given, 'tenant_user')
      for (const table of ['users', 'invoices', 'notes', 'sessions'])
        for (const right of ['SELECT', 'INSERT', 'UPDATE']) expect(rights).toContain(`tenant_user ${table} ${right}`)
      expect(await rightsOf(given, 'tenant_admin')).toContain('tenant_admin users DELETE')
    })
  })
})
