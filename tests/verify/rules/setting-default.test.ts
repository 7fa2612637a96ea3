import { describe, expect, it } from 'vitest'
import { HOLDING, ruleCase, withCase } from '../rule-case.ts'

ruleCase('setting-default', {
  object: 'database',
  severity: 'high',
  hole: `do $$ begin execute format('alter database %I set app.tenant_id = %L', current_database(), '00000000-0000-4000-8000-000000000001'); end $$;`,
  repaired: `select 1;`,
  nearMisses: {
    'another setting is stored': `alter role {app} set app.zone = 'eu';`,
    'another role has it': `alter role {reporting} set app.tenant_id = '00000000-0000-4000-8000-000000000001';`,
  },
})

describe('setting-default', () => {
  it('speaks of a value that is stored for the app’s role', async () => {
    await withCase(
      [HOLDING, "alter role {app} set app.tenant_id = '00000000-0000-4000-8000-000000000001';"],
      async (verify, run, role) => {
        const findings = async () => (await verify()).findings.filter((finding) => finding.rule === 'setting-default')
        const [found] = await findings()
        expect(found?.object).toBe(`role ${role('app')}`)
        expect(found?.proof).toBe('exploited')
        await run(found?.fix ?? '')
        expect(await findings()).toEqual([])
      },
    )
  })
})
