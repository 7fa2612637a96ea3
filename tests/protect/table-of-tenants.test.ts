// The comment above the policies of the table of tenants says what the migration does there, in each case.
import { describe, expect, it } from 'vitest'
import { migrate } from '../../src/migrate/migrate.ts'
import type { ProtectPlan } from '../../src/protect/change.ts'
import { apply, type ProtectCase, withProtectCase } from './protect-case.ts'
import { A } from './schemas.ts'

const SECRET = 'a-root-secret-of-one-test-only-0123456789abcdef'

const TABLES = `
  create table tenants (id uuid primary key, name text not null);
  create table notes (id uuid primary key, tenant_id uuid not null references tenants, body text); create index on notes (tenant_id);
  insert into tenants values ('${A}', 'a');
  grant select, insert, update, delete on notes to {app};`

/** The comment above the isolation policy of the table of tenants, in one line. */
function commentOf(plan: ProtectPlan): string {
  const statements = plan.changes.filter(({ object }) => object === 'public.tenants').flatMap(({ up }) => up)
  // The statement before CREATE POLICY drops the policy of an earlier run; the comment is about both.
  const policy = statements.find((each) => each.includes('DROP POLICY IF EXISTS tenant_isolation_policy')) ?? ''
  const lines = policy.split('\n').filter((line) => line.startsWith('--'))
  return lines.map((line) => line.slice(3)).join(' ')
}

async function sealed(given: ProtectCase): Promise<ProtectPlan> {
  await migrate({ databaseUrl: given.adminUrl, sealSecret: SECRET })
  return given.plan({ seal: true, databaseUrl: given.adminUrl, appRole: given.appRole })
}

describe('the comment above the table of tenants', () => {
  it('names what the application may do there, and a sign-up only if it may insert', async () => {
    await withProtectCase(`${TABLES} grant select, insert, update (name) on tenants to {app};`, async (given) => {
      const comment = commentOf(await given.plan({ appRole: given.appRole }))
      expect(comment).toContain('The application may SELECT, INSERT, UPDATE (name): only the row of the tenant')
      expect(comment).toContain("A sign-up sets app.current_tenant_id to the new tenant's id before it inserts.")
    })
    await withProtectCase(`${TABLES} grant select on tenants to {app};`, async (given) => {
      const comment = commentOf(await given.plan({ appRole: given.appRole }))
      expect(comment).toContain('The application may SELECT: only the row of the tenant')
      expect(comment).not.toContain('before it inserts')
      expect(comment).toContain('a sign-up needs another role')
    })
    await withProtectCase(TABLES, async (given) => {
      expect(commentOf(await given.plan({ appRole: given.appRole }))).toContain('has no right on its rows')
    })
  })

  it('asks for a function whose owner has BYPASSRLS: one of the owner of the table sees no row', async () => {
    await withProtectCase(`${TABLES} grant select on tenants to {app};`, async (given) => {
      const plan = await given.plan({ appRole: given.appRole })
      expect(commentOf(plan)).toContain('needs a SECURITY DEFINER function whose owner has BYPASSRLS')
      await apply(given.owner, plan, 'up')
      const lookup = (name: string) =>
        `create function ${name}() returns bigint language sql security definer set search_path = '' as 'select count(*) from public.tenants'`
      await given.owner.query(lookup('of_owner'))
      await given.admin.query(lookup('of_bypassing')) // a superuser's, to whom no policy applies either
      const { rows } = await given.app.query('select of_owner() as owner, of_bypassing() as bypassing')
      expect(rows).toEqual([{ owner: '0', bypassing: '1' }])
    })
  })

  it('names with a seal what tenant_user and tenant_admin may do, and sends a sign-up elsewhere if they may not insert', async () => {
    await withProtectCase(`${TABLES} grant select on tenants to {app};`, async (given) => {
      const plan = await sealed(given)
      const comment = commentOf(plan)
      expect(comment).toContain('tenant_user may SELECT, and tenant_admin may SELECT: only the row of the tenant')
      expect(comment).toContain('Neither may INSERT. A sign-up needs another role')
      expect(comment).not.toContain('before it inserts')
      expect(comment).not.toContain('SECURITY DEFINER')
      await apply(given.admin, plan, 'up')
      const { rows } = await given.admin.query(
        `select has_any_column_privilege('tenant_admin', 'tenants', 'insert, update') or has_table_privilege('tenant_admin', 'tenants', 'delete') as writes`,
      )
      expect(rows).toEqual([{ writes: false }])
    })
    await withProtectCase(`${TABLES} grant select, insert, delete on tenants to {app};`, async (given) => {
      const comment = commentOf(await sealed(given))
      expect(comment).toContain('tenant_user may SELECT, INSERT, and tenant_admin may SELECT, INSERT, DELETE: only')
      expect(comment).toContain("A sign-up opens a context with the new tenant's id before it inserts.")
    })
  })
})
