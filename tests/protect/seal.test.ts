import { describe, expect, inject, it } from 'vitest'
import { planFor } from '../../cli/protect-plan.ts'
import { migrate } from '../../src/database/migrate.ts'
import { createTestDatabase } from '../setup/database.ts'
import { apply, withProtectCase } from './protect-case.ts'
import { UUID_SCHEMA } from './schemas.ts'

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
