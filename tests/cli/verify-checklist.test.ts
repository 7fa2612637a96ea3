import { describe, expect, it } from 'vitest'
import { verifyChecklist } from '../../cli/verify/verify-checklist.ts'
import { HOLDING, withCase } from '../verify/rule-case.ts'

const COMMAND = 'partywall verify'

describe('a line of the checklist that names one of several causes', () => {
  it('says how many findings and cells more there are', async () => {
    await withCase(
      [HOLDING, 'alter table documents disable row level security; grant truncate on documents to {app};'],
      async (verify) => {
        const report = await verify()
        const lines = verifyChecklist({ report, findings: report.findings, command: COMMAND, files: [] })
        const failed = lines.filter(({ verdict }) => verdict === 'failed').map(({ detail }) => detail)
        expect(failed).toEqual([
          expect.stringMatching(/^[\w-]+ on \S+, and \d+ more findings? of severity medium or higher$/),
          'select on public.documents leaks, and 3 more pairs of table and verb',
        ])
      },
    )
  })

  it('says nothing of more where there is one', async () => {
    await withCase(
      [
        HOLDING,
        'alter table documents disable row level security; revoke insert, update, delete on documents from {app};',
      ],
      async (verify) => {
        const report = await verify({ mode: 'static' })
        const findings = report.findings.filter(({ rule }) => rule === 'rls-disabled')
        const lines = verifyChecklist({ report, findings, command: COMMAND, files: [] })
        const details = lines.flatMap(({ verdict, detail }) => (verdict === 'failed' ? [detail] : []))
        expect(details).toEqual(['rls-disabled on public.documents', 'select on public.documents leaks'])
      },
    )
  })

  it('leaves a line open for findings that do not fail the run', async () => {
    await withCase([HOLDING, 'alter table documents add unique (title);'], async (verify) => {
      const report = await verify({ mode: 'static' })
      const { findings } = report
      const of = (failOn: 'medium' | 'high') =>
        verifyChecklist({ report, findings, command: COMMAND, files: [], failOn })[0]
      const named = expect.stringMatching(/^unique-not-tenant-scoped on public\.documents/)
      expect(of('medium')).toMatchObject({ verdict: 'failed', detail: named })
      expect(of('high')).toMatchObject({ verdict: 'open', detail: named })
    })
  })

  it('says how many pairs of table and verb more are open', async () => {
    const shut = `create table shut (id int not null, tenant_id uuid not null references tenants, check (id <> id));
      alter table shut owner to {owner}; alter table shut enable row level security, force row level security;
      create policy own on shut using (id > 0 and tenant_id = (select nullif(current_setting('app.tenant_id', true), '')::uuid));
      grant select, delete on shut to {app};`
    await withCase([HOLDING, shut], async (verify) => {
      const report = await verify()
      const [line] = verifyChecklist({ report, findings: [], command: COMMAND, files: [] })
      expect(line).toMatchObject({
        verdict: 'open',
        detail: expect.stringMatching(/^select on public\.shut is .*, and 1 more open pair of table and verb$/),
      })
    })
  })
})
