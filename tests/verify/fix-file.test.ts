import { describe, expect, it } from 'vitest'
import type { Finding } from '../../src/verify/finding/finding.ts'
import { renderFixFile } from '../../src/verify/report/fix-file.ts'
import { leak } from './formats/sample-document.ts'

const finding = (rule: string, fix: string): Finding => ({ ...leak, rule, fix, key: `${rule}:public.documents` })
const groups = new Map([
  ['fk-crosses-tenants', 'key'],
  ['rls-disabled', 'rls'],
  ['grant-truncate', 'grant'],
  ['tenant-index-missing', 'context'],
])
const render = (findings: readonly Finding[]) => renderFixFile(findings, (rule) => groups.get(rule), 'migrations/')

describe('renderFixFile', () => {
  it('writes keys before row security, rights last, and apart what refuses a transaction', () => {
    const file = render([
      finding('grant-truncate', 'REVOKE TRUNCATE ON t FROM app;'),
      finding('tenant-index-missing', 'CREATE INDEX CONCURRENTLY ON t (tenant_id);'),
      finding('rls-disabled', '-- decide about x\nALTER TABLE t ENABLE ROW LEVEL SECURITY;'),
      finding('fk-crosses-tenants', 'ALTER TABLE t ADD UNIQUE (tenant_id, id);'),
    ])
    const order = ['BEGIN;', 'ADD UNIQUE', '-- decide about x', 'ENABLE ROW', 'REVOKE', 'COMMIT;', 'CONCURRENTLY']
    const places = order.map((part) => file.indexOf(part))
    expect(places).toEqual(places.toSorted((a, b) => a - b))
    expect(places[0]).toBeGreaterThan(0)
  })

  it('writes what several findings ask for once', () => {
    const fix = 'ALTER TABLE t ENABLE ROW LEVEL SECURITY; REVOKE TRUNCATE ON t FROM app;'
    const file = render([finding('rls-disabled', fix), finding('grant-truncate', 'REVOKE TRUNCATE ON t FROM app;')])
    expect(file.match(/REVOKE/g)).toHaveLength(1)
  })

  it('gives each comment its reason, also where another has the same', () => {
    const comment = (sql: string) => `-- Not shown to be harmless: no copy. Decide, then run:\n--   ${sql}`
    const file = render([
      finding('rls-disabled', comment('ALTER TABLE t …')),
      finding('grant-truncate', comment('REVOKE …')),
    ])
    expect(file.match(/no copy/g)).toHaveLength(2)
    expect(
      render([finding('rls-disabled', comment('A')), finding('rls-disabled', comment('A'))]).match(/no copy/g),
    ).toHaveLength(1)
  })

  it('keeps a comment above each statement that it explains, also where another statement has the same', () => {
    const file = render([
      finding('rls-disabled', '-- A superuser must run this.\nREVOKE SELECT ON t FROM app;'),
      finding('grant-truncate', '-- A superuser must run this.\nREVOKE TRUNCATE ON t FROM app;'),
    ])
    expect(file.match(/A superuser must run this/g)).toHaveLength(2)
  })

  it('says above the statements what row security takes from sessions without a tenant', () => {
    const fix = 'ALTER TABLE t ENABLE ROW LEVEL SECURITY, FORCE ROW LEVEL SECURITY;'
    const file = render([finding('rls-disabled', fix), finding('rls-disabled', fix.replace(' t ', ' u '))])
    expect(
      file.match(/sessions without a tenant \(a sign-in, a sign-up, a webhook\) see no row of the table/g),
    ).toHaveLength(1)
    expect(file.indexOf('With row-level security')).toBeLessThan(file.indexOf(fix))
    expect(render([finding('rls-disabled', `-- Decide:\n--   ${fix}`)])).not.toContain('With row-level security')
  })

  it('makes room again for what differs under one name', () => {
    const policy = (test: string) => `DROP POLICY IF EXISTS p ON t;\nCREATE POLICY p ON t USING (${test});`
    const file = render([finding('rls-disabled', policy('a')), finding('grant-truncate', policy('b'))])
    expect(file.match(/DROP POLICY/g)).toHaveLength(2)
    const same = render([finding('rls-disabled', policy('a')), finding('grant-truncate', policy('a'))])
    expect(same.match(/POLICY/g)).toHaveLength(2)
  })

  it('keeps functions whole', () => {
    const fix = 'CREATE FUNCTION f() RETURNS int LANGUAGE sql AS $$ select 1; -- two\n select 2; $$;'
    expect(render([finding('rls-disabled', fix)])).toContain(fix)
  })
})
