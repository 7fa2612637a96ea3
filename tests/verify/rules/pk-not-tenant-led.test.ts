import { describe, expect, it } from 'vitest'
import { HOLDING, withCase } from '../rule-case.ts'

describe('pk-not-tenant-led', () => {
  it('speaks of the schema', async () => {
    await withCase(
      [HOLDING, `alter table documents drop constraint documents_pkey, add primary key (id);`],
      async (verify) => {
        const report = await verify({ mode: 'static' })
        const found = report.findings.filter((finding) => finding.rule === 'pk-not-tenant-led')
        expect(found.map((finding) => finding.severity)).toEqual(['info'])
      },
    )
  })

  it('is silent on a key that leads with the tenant', async () => {
    await withCase([HOLDING, `select 1;`], async (verify) => {
      const report = await verify({ mode: 'static' })
      expect(report.findings.filter((finding) => finding.rule === 'pk-not-tenant-led')).toEqual([])
    })
  })
})
