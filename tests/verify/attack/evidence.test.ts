import { describe, expect, it } from 'vitest'
import type { Finding } from '../../../src/verify/index.ts'
import { HOLDING, withCase } from '../rule-case.ts'

const OWN = `tenant_id = (select nullif(current_setting('app.tenant_id', true), '')::uuid)`

const findingsOf = async (sql: string): Promise<readonly Finding[]> => {
  let found: readonly Finding[] = []
  await withCase([HOLDING, sql], async (verify) => {
    const report = await verify()
    expect(report.summary.internalErrors).toEqual([])
    found = report.findings
  })
  return found
}
const ofPolicy = (findings: readonly Finding[], policy: string) =>
  findings.filter(({ key }) => key.endsWith(`:${policy}`)).map(({ rule, proof }) => `${rule} ${proof}`)

describe('exploited means exploited', () => {
  it('calls of two policies on one table the one exploited that lets rows through', async () => {
    const findings = await findingsOf(`
      alter table documents add kind text not null default 'plain' check (kind <> 'shared');
      create policy wide on documents for select using (true);
      create policy opt on documents for select using (kind = 'shared');`)
    expect(ofPolicy(findings, 'wide')).toEqual(['policy-permissive-or exploited'])
    expect(ofPolicy(findings, 'opt')).toEqual(['policy-column-opt-out static'])
  })

  it('calls a flag exploited only where the policy that trusts it lets rows through', async () => {
    const findings = await findingsOf(`
      create policy flag on documents for select using ((select current_setting('app.staff', true)) = 'on');
      create policy never on documents for select
        using ((select current_setting('app.staff', true)) = 'yes' and (select current_setting('app.staff', true)) = 'no');`)
    expect(ofPolicy(findings, 'flag')).toEqual(['policy-bypass-flag exploited'])
    expect(ofPolicy(findings, 'never')).toEqual(['policy-bypass-flag static'])
  })

  it('tells apart policies of different verbs', async () => {
    const findings = await findingsOf(`
      alter table documents add open boolean not null default false;
      create policy reads on documents for select using (open);
      create policy erases on documents for delete using (true);`)
    expect(ofPolicy(findings, 'reads')).toEqual(['policy-column-opt-out exploited'])
    const erases = findings.find(({ key }) => key.endsWith(':erases'))
    expect(erases?.proof).toBe('exploited')
    expect(erases?.evidence.join('\n')).not.toContain('SELECT')
  })

  for (const [name, column, test] of [
    ['a number', 'level int not null default 0', 'level = 7'],
    ['anything but one text', `kind text not null default 'private'`, `kind <> 'private'`],
    ['a list', `kind text not null default 'plain'`, `kind in ('team', 'world')`],
    [
      'a text far behind',
      `kind text not null default 'plain'`,
      `(${Array.from({ length: 40 }, (_, at) => `kind = 'never used before ${at}'`).join(' or ')} or kind = 'world') and kind <> 'never used before 0'`,
    ],
  ] as const)
    it(`tries the literals of the policy's expression: ${name}`, async () => {
      const findings = await findingsOf(
        `alter table documents add ${column}; create policy opt on documents for select using (${test});`,
      )
      expect(ofPolicy(findings, 'opt')).toEqual(['policy-column-opt-out exploited'])
    })

  it('is silent on the tenant’s own policy beside one that opens', async () => {
    const findings = await findingsOf(
      `create policy wide on documents for select using (true); create policy second on documents for select using (${OWN});`,
    )
    expect(ofPolicy(findings, 'second')).toEqual([])
  })
})
