// What a careless administrator or a schema tool may do to the tables and the trigger of the seal, and that `ready()` says so.
import { beforeAll, describe, expect, it } from 'vitest'
import type { TenantPool } from '../../src/database/pool/create-tenant-pool.ts'
import { afterFile } from '../setup/after-file.ts'
import { createTwoTenants, type TwoTenants } from '../setup/two-tenants.ts'

describe('checkDatabase()', () => {
  let two: TwoTenants
  let pool: TenantPool
  beforeAll(async () => {
    two = await createTwoTenants()
    pool = two.pool()
    afterFile(() => pool.end())
  })
  const said = async () =>
    (await pool.checkDatabase()).map(({ id, severity, object }) => `${severity} ${id}: ${object}`)

  it('is content with what partywall makes', async () => {
    expect(await said()).toEqual([])
  })

  it.each([
    [
      'a right to add tickets',
      'grant insert on partywall.tickets to tenant_user',
      'revoke insert on partywall.tickets from tenant_user',
      'error seal-writable: partywall.tickets',
    ],
    [
      'a right on columns alone',
      'grant insert (hash, tenant_id, not_after) on partywall.tickets to public',
      'revoke insert (hash, tenant_id, not_after) on partywall.tickets from public',
      'error seal-writable: partywall.tickets',
    ],
    [
      'a right to add keys',
      'grant insert on partywall.seal_keys to app',
      'revoke insert on partywall.seal_keys from app',
      'error seal-writable: partywall.seal_keys',
    ],
    [
      'a child of the table of keys',
      'create table more_keys () inherits (partywall.seal_keys); grant insert on more_keys to tenant_admin',
      'drop table more_keys',
      'error seal-writable: public.more_keys',
    ],
    [
      'a right to readmit',
      'grant execute on function partywall.readmit_tenant(text) to tenant_user',
      'revoke execute on function partywall.readmit_tenant(text) from tenant_user',
      'error seal-writable: partywall.readmit_tenant(text)',
    ],
    [
      'a table of tenants whose trigger is off',
      'alter table tenants disable trigger partywall_tenant_change',
      'alter table tenants enable trigger partywall_tenant_change',
      'warning suspension-untold: partywall.directory_by_id',
    ],
    [
      'a table of tenants without the trigger',
      'drop trigger partywall_tenant_change on tenants',
      "call partywall.install_directory('public.tenants')",
      'warning suspension-untold: partywall.directory_by_id',
    ],
  ])('names %s', async (_what, change, back, finding) => {
    await two.database.admin(change)
    expect(await said()).toEqual([finding])
    await two.database.admin(back)
    expect(await said()).toEqual([])
  })
})
