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

  it('is high where a temporary object gets the rights of a function’s owner', async () => {
    const body = `select count(*) from documents where tenant_id = nullif(current_setting('app.tenant_id', true), '')::uuid`
    const fn = (path: string) =>
      `create function count_documents() returns bigint language sql stable security definer ${path} as $$ ${body} $$;`
    const found = (sql: string) =>
      withCase([HOLDING, sql], async (verify) => {
        const { findings } = await verify({ mode: 'static' })
        return findings.find(({ rule }) => rule === 'grant-temporary')
      })
    const shadowed = await found(fn('set search_path = public'))
    expect(shadowed?.severity).toBe('high')
    expect(shadowed?.severityReason).toBeUndefined()
    expect(shadowed?.evidence.join()).toContain('(secdef-search-path): public.count_documents()')
    expect((await found(fn('set search_path = public, pg_temp')))?.severity).toBe('low')
  })
})
