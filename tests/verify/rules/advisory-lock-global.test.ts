import { describe, expect, it } from 'vitest'
import { HOLDING, withCase } from '../rule-case.ts'

describe('advisory-lock-global', () => {
  it('speaks of the schema', async () => {
    await withCase(
      [
        HOLDING,
        `create function bump() returns void language plpgsql set search_path = pg_catalog, pg_temp as $$ begin perform pg_advisory_xact_lock(42); end $$;`,
      ],
      async (verify) => {
        const report = await verify({ mode: 'static' })
        const found = report.findings.filter((finding) => finding.rule === 'advisory-lock-global')
        expect(found.map((finding) => finding.severity)).toEqual(['info'])
      },
    )
  })

  it('is silent on the two-key form', async () => {
    await withCase(
      [
        HOLDING,
        `create function bump() returns void language plpgsql set search_path = pg_catalog, pg_temp as $$ begin perform pg_advisory_xact_lock(42, 7); end $$;`,
      ],
      async (verify) => {
        const report = await verify({ mode: 'static' })
        expect(report.findings.filter((finding) => finding.rule === 'advisory-lock-global')).toEqual([])
      },
    )
  })
})
