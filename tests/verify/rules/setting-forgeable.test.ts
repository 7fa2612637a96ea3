import { describe, expect, it } from 'vitest'
import { HOLDING, withCase } from '../rule-case.ts'

describe('setting-forgeable', () => {
  it('speaks of the schema', async () => {
    await withCase([HOLDING, `select 1;`], async (verify) => {
      const report = await verify({ mode: 'static' })
      const found = report.findings.filter((finding) => finding.rule === 'setting-forgeable')
      expect(found.map((finding) => finding.severity)).toEqual(['info'])
    })
  })

  it('is silent on tables that the seal holds', async () => {
    await withCase(
      [
        HOLDING,
        `create schema partywall; create function partywall.tenant_id() returns text language sql as $$ select '' $$; create policy seal on documents as restrictive using (tenant_id = (select partywall.tenant_id()::uuid)); create policy seal on tenants as restrictive using (id = (select partywall.tenant_id()::uuid));`,
      ],
      async (verify) => {
        const report = await verify({ mode: 'static' })
        expect(report.findings.filter((finding) => finding.rule === 'setting-forgeable')).toEqual([])
      },
    )
  })

  it('is low where partywall is installed and a table is not sealed', async () => {
    await withCase([HOLDING, 'create schema partywall;'], async (verify) => {
      const report = await verify({ mode: 'static' })
      expect(report.findings.find((finding) => finding.rule === 'setting-forgeable')?.severity).toBe('low')
    })
  })
})
