import { describe, expect, it } from 'vitest'
import { HOLDING, ruleCase, withCase } from '../rule-case.ts'

const REVOKED = `do $$ begin execute format('revoke temporary on database %I from public', current_database()); end $$;`

ruleCase('grant-temporary', {
  // PUBLIC has it in every new database.
  hole: 'select 1;',
  object: 'database',
  severity: 'low',
  repaired: REVOKED,
  nearMisses: {
    'another role has it': `${REVOKED} do $$ begin execute format('grant temporary on database %I to {reporting}', current_database()); end $$;`,
  },
})

describe('grant-temporary', () => {
  it('is high where partywall is installed', async () => {
    await withCase([HOLDING, 'create schema partywall;'], async (verify) => {
      const report = await verify()
      expect(report.findings.find((finding) => finding.rule === 'grant-temporary')?.severity).toBe('high')
    })
  })
})
