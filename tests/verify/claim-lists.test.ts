import { describe, expect, it } from 'vitest'
import { withCase } from './rule-case.ts'

const CLAIMS = `(nullif(current_setting('request.jwt.claims', true), '')::jsonb -> 'app_metadata' -> 'org_ids')`
const schema = (test: (column: string) => string) => `
  create table orgs (id uuid primary key default gen_random_uuid(), name text not null);
  create table items (org_id uuid not null references orgs, id uuid not null default gen_random_uuid(), name text, primary key (org_id, id));
  alter table orgs owner to {owner}; alter table items owner to {owner};
  alter table orgs enable row level security, force row level security; alter table items enable row level security, force row level security;
  create policy o on orgs for select using (${test('id')}); create policy i on items using (${test('org_id')});
  grant select on orgs to {app}; grant select, insert, update, delete on items to {app};`

describe('claims that list the tenants of a user', () => {
  for (const [name, test] of Object.entries<(column: string) => string>({
    'a subquery': (column) => `${column} in (select jsonb_array_elements_text(${CLAIMS})::uuid)`,
    'an array': (column) => `${column} = any (array(select jsonb_array_elements_text(${CLAIMS})::uuid))`,
    'the operator ?': (column) => `${CLAIMS} ? ${column}::text`,
    'the operator @>': (column) => `${CLAIMS} @> to_jsonb(${column}::text)`,
  })) {
    it(`are set as a list, and hold when they are read by ${name}`, async () => {
      await withCase([schema(test)], async (verify, run) => {
        const report = await verify()
        expect(report.summary.setting).toBe('request.jwt.claims->app_metadata->org_ids[]')
        expect(report.findings.filter((finding) => !['info', 'low'].includes(finding.severity))).toEqual([])
        expect(report.summary.counts.verdicts).toMatchObject({ unreliable: 0, leaks: 0, unproved: 0 })
        await run('alter table items disable row level security')
        const open = (await verify()).findings.find((finding) => finding.rule === 'rls-disabled')
        expect(open?.proof).toBe('exploited')
        // The fix reads the list, too.
        await run(`drop policy i on items; ${open?.fix ?? ''}`)
        const mended = await verify()
        expect(mended.findings.filter((finding) => !['info', 'low'].includes(finding.severity))).toEqual([])
      })
    })
  }
})
