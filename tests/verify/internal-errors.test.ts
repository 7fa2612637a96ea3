import { afterEach, describe, expect, it, vi } from 'vitest'
import { attacks } from '../../src/verify/attacks/list.ts'
import { exitCodeOf } from '../../src/verify/report/report-counts.ts'
import { rlsDisabled } from '../../src/verify/rules/rls-disabled.ts'
import { HOLDING, openCase, withCase } from './rule-case.ts'

afterEach(() => {
  vi.restoreAllMocks()
})

function breakDown(): never {
  throw new TypeError('it breaks')
}

describe('an error of partywall itself', () => {
  it('in a rule ends that rule alone, is told, and is exit code 2', async () => {
    vi.spyOn(rlsDisabled, 'run').mockImplementation(breakDown)
    await withCase([HOLDING, 'grant truncate on documents to {app};'], async (verify) => {
      const report = await verify({ mode: 'static' })
      expect(report.summary.internalErrors).toEqual([{ where: 'rule rls-disabled', message: 'it breaks' }])
      expect(report.findings.map((finding) => finding.rule)).toContain('grant-truncate')
      expect(exitCodeOf(report)).toBe(2)
    })
  })

  it('in an attack ends that attack alone, is told, and is exit code 2', async () => {
    const [attack] = attacks
    if (attack === undefined) throw new Error('there is no attack')
    vi.spyOn(attack, 'run').mockImplementation(breakDown)
    await withCase([HOLDING, 'grant truncate on documents to {app};'], async (verify) => {
      const report = await verify()
      const errors = report.summary.internalErrors
      expect(new Set(errors.map((error) => `${error.where}: ${error.message}`))).toEqual(
        new Set([`attack ${attack.name}: it breaks`]),
      )
      expect(report.findings.find((finding) => finding.rule === 'grant-truncate')?.proof).toBe('exploited')
      expect(exitCodeOf(report)).toBe(2)
    })
  })

  it('is what a connection that breaks in the middle is: no verdict, and nothing stays behind', async () => {
    const opened = await openCase([
      HOLDING,
      `create function cut() returns trigger language plpgsql as $$ begin perform pg_terminate_backend(pg_backend_pid()); return new; end $$;
       create trigger cut before insert on documents for each row execute function cut();`,
    ])
    try {
      await expect(opened.verify()).rejects.toThrow(/connection to the database broke/)
      await opened.run(
        "do $$ begin if exists (select from documents) or exists (select from tenants) then raise 'rows stay'; end if; end $$",
      )
    } finally {
      await opened.close()
    }
  })
})
