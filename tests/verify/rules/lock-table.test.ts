import { describe, expect, it } from 'vitest'
import { HOLDING, withCase } from '../rule-case.ts'

describe('lock-table', () => {
  it('speaks of the schema', async () => {
    await withCase([HOLDING, `select 1;`], async (verify) => {
      const report = await verify({ mode: 'static' })
      const found = report.findings.filter((finding) => finding.rule === 'lock-table')
      expect(found.map((finding) => finding.severity)).toEqual(['info'])
    })
  })

  it('is silent on an app that only reads and inserts', async () => {
    await withCase([HOLDING, `revoke update, delete on documents from {app};`], async (verify) => {
      const report = await verify({ mode: 'static' })
      expect(report.findings.filter((finding) => finding.rule === 'lock-table')).toEqual([])
    })
  })
})
