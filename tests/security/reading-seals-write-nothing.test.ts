// A table whose seal policy asks for a ticket and that has no tenant_write_policy: a seal for reading would write there.
import { describe, expect, it } from 'vitest'
import { verifyDatabase } from '../../src/verify/verify-database.ts'
import { createTwoTenants } from '../setup/two-tenants.ts'

describe('verify, where a table has lost its tenant_write_policy', () => {
  it('says so, with a fix that mends it', async () => {
    const two = await createTwoTenants()
    const said = async () => {
      const { findings } = await verifyDatabase({
        databaseUrl: two.database.adminUrl,
        appRole: 'app',
        mode: 'static',
        sealSecret: two.database.sealSecret,
      })
      return findings.filter(({ rule, severity }) => rule === 'policy-unsealed' && severity !== 'info')
    }
    expect(await said()).toEqual([])
    await two.database.admin('drop policy tenant_write_policy on documents')
    const [found, ...more] = await said()
    expect(more).toEqual([])
    expect(found).toMatchObject({ object: 'public.documents', severity: 'medium' })
    await two.database.admin(found?.fix ?? '')
    expect(await said()).toEqual([])
  })

  it('gives a fix for a table without a seal policy that has both', async () => {
    const two = await createTwoTenants()
    await two.database.admin(
      'drop policy tenant_seal_policy on documents; drop policy tenant_write_policy on documents',
    )
    const pool = two.pool()
    const finding = (await pool.checkDatabase()).find(({ id }) => id === 'policy-unsealed')
    expect(finding?.fix).toContain('POLICY tenant_seal_policy')
    expect(finding?.fix).toContain('POLICY tenant_write_policy')
    await pool.end()
  })
})
