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

  it('says in its fix that a superuser must run it: for the owner of the tables it changes nothing', async () => {
    await withCase([HOLDING], async (verify, run) => {
      const fixOf = async () =>
        (await verify({ mode: 'static' })).findings.find((finding) => finding.rule === 'backend-signal')?.fix ?? ''
      const fix = await fixOf()
      expect(fix.split('\n', 1)[0]).toMatch(/^-- A superuser must run this/)
      await run(`begin; set local role {owner}; ${fix}\ncommit`)
      expect(await fixOf()).toBe(fix)
    })
  })

  it('leaves the functions to members of pg_signal_backend', async () => {
    await withCase([HOLDING], async (verify, run) => {
      const { findings } = await verify({ mode: 'static' })
      await run(findings.find((finding) => finding.rule === 'backend-signal')?.fix ?? '')
      const told = await verify({ mode: 'static' })
      expect(told.findings.filter((finding) => finding.rule === 'backend-signal')).toEqual([])
      await run(`do $$ begin
        assert has_function_privilege('pg_signal_backend', 'pg_terminate_backend(integer, bigint)', 'execute');
        assert not has_function_privilege('pg_monitor', 'pg_terminate_backend(integer, bigint)', 'execute'); end $$`)
    })
  })
})
