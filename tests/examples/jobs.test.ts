import { beforeAll, describe, expect, it } from 'vitest'
import { makeReportJob, runReportJob } from '../../examples/job/report-job.ts'
import { nightlyReport } from '../../examples/nightly-report/nightly-report.ts'
import { runWithTenant } from '../../src/context/run-with-tenant.ts'
import type { Partywall } from '../../src/partywall.ts'
import { createTestDatabase, createTestTenant, type TestDatabase, type TestTenant } from '../setup/database.ts'
import { createTestWall } from '../setup/wall.ts'

describe('jobs of the examples', () => {
  let database: TestDatabase
  let wall: Partywall
  let a: TestTenant
  let b: TestTenant
  const job = (tenant: TestTenant) =>
    runWithTenant({ tenantId: tenant.id, userId: tenant.userId }, () =>
      makeReportJob(wall, 'job-1', { title: 'First document' }),
    )

  beforeAll(async () => {
    database = await createTestDatabase()
    ;({ wall } = await createTestWall(database))
    a = await createTestTenant(database)
    b = await createTestTenant(database)
  })

  it('a job runs in the context of whoever asked for it', async () => {
    expect(await runReportJob(wall, await job(a))).toBe(1)
  })

  it('a changed payload and a copied envelope are refused', async () => {
    const made = await job(a)
    const refused = { code: 'PARTYWALL_AUTHENTICATION' }
    await expect(runReportJob(wall, { ...made, payload: { title: 'other' } })).rejects.toMatchObject(refused)
    await expect(runReportJob(wall, { ...made, id: 'job-2' })).rejects.toMatchObject(refused)
  })

  it('a job of a tenant that was suspended meanwhile does not run', async () => {
    const made = await job(b)
    await database.admin("update tenants set status = 'suspended' where id = $1", [b.id])
    await expect(runReportJob(wall, made)).rejects.toMatchObject({ code: 'PARTYWALL_TENANT_INACTIVE' })
  })

  it('the nightly report counts all tenants, and is written down', async () => {
    expect(await nightlyReport(wall)).toEqual(
      new Map([
        [a.id, 1],
        [b.id, 1],
      ]),
    )
    const { rows } = await database.admin('select actor from partywall.crossings')
    expect(rows).toEqual([{ actor: 'nightly-report' }])
  })
})
