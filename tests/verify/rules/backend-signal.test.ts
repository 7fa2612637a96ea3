import { describe, expect, it } from 'vitest'
import { HOLDING, withCase } from '../rule-case.ts'

describe('backend-signal', () => {
  it('speaks of the schema', async () => {
    await withCase([HOLDING, `select 1;`], async (verify) => {
      const report = await verify({ mode: 'static' })
      const found = report.findings.filter((finding) => finding.rule === 'backend-signal')
      expect(found.map((finding) => finding.severity)).toEqual(['info'])
    })
  })

  it('is silent on a database where both are revoked', async () => {
    await withCase(
      [
        HOLDING,
        `revoke execute on function pg_terminate_backend(integer, bigint), pg_cancel_backend(integer) from public;`,
      ],
      async (verify) => {
        const report = await verify({ mode: 'static' })
        expect(report.findings.filter((finding) => finding.rule === 'backend-signal')).toEqual([])
      },
    )
  })
})
