import { describe, expect, it } from 'vitest'
import { HOLDING, withCase } from '../rule-case.ts'

describe('statistics-oracle', () => {
  it('speaks of the schema', async () => {
    await withCase([HOLDING, `select 1;`], async (verify) => {
      const report = await verify({ mode: 'static' })
      const found = report.findings.filter((finding) => finding.rule === 'statistics-oracle')
      expect(found.map((finding) => finding.severity)).toEqual(['info'])
    })
  })
})
