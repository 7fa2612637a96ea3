import { describe, expect, it } from 'vitest'
import { sampleMutants } from '../../../src/verify/mutate/mutants.ts'
import { type MutantResult, mutateSchema, runMutants } from '../../../src/verify/mutate/mutate-schema.ts'
import { verifyDatabase } from '../../../src/verify/verify-database.ts'
import { createTestDatabase } from '../../setup/database.ts'

describe('mutants of our own migration', () => {
  it('are all noticed, at least 60 of them, and leave nothing behind', { timeout: 240_000 }, async () => {
    const database = await createTestDatabase()
    const options = { databaseUrl: database.adminUrl, appRole: 'app', sealSecret: database.sealSecret }
    const report = await verifyDatabase({ ...options, mode: 'attack' })
    expect(report.findings.filter((finding) => finding.severity !== 'info')).toEqual([])
    const results = await runMutants({ ...options, report })
    const of = (outcome: MutantResult['outcome']) => results.filter((result) => result.outcome === outcome)
    expect(of('noticed').length).toBeGreaterThanOrEqual(60)
    expect(of('survived').map(({ mutant }) => `${mutant.name} on ${mutant.object}`)).toEqual([])
    expect(of('not-applicable').map(({ mutant, by }) => `${mutant.name} on ${mutant.object}: ${by}`)).toEqual([])
    const again = await verifyDatabase({ ...options, mode: 'static' })
    expect(again.findings.filter((finding) => finding.severity !== 'info')).toEqual([])
    const { rows } = await database.admin(
      "select rolsuper or rolbypassrls or rolcreaterole or rolreplication as raised from pg_roles where rolname = 'app'",
    )
    expect(rows).toEqual([{ raised: false }])
  })
})

describe('mutateSchema', () => {
  it('tells which weakening nobody would have noticed', async () => {
    const database = await createTestDatabase({ migrated: false })
    await database.admin(`create table tenants (id uuid primary key);
      create table notes (id int primary key, tenant_id uuid not null references tenants);
      grant select on notes to app`)
    const options = { databaseUrl: database.adminUrl, appRole: 'app' }
    const report = await verifyDatabase({ ...options, mode: 'static' })
    // Nothing is protected, so nothing can be weakened but the role.
    const summary = await mutateSchema({ ...options, report, limit: 5 })
    expect(summary.total).toBeLessThanOrEqual(5)
    expect(summary.killed + summary.survivors.length).toBe(summary.total)
  })

  it('samples evenly and the same each time', () => {
    const mutants = Array.from({ length: 10 }, (_, at) => ({ name: `m${at}`, object: 'o', sql: '' }))
    expect(sampleMutants(mutants, 4).map((mutant) => mutant.name)).toEqual(['m0', 'm2', 'm5', 'm7'])
    expect(sampleMutants(mutants, 20)).toEqual(mutants)
  })
})
