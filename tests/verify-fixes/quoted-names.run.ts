// npm run verify:fixes. Names that need quotes: the holes of all rules again, with their roles and tables renamed. Every fix must still be SQL.
import { describe, expect, it, vi } from 'vitest'
import { HOLDING, openCase, type RuleCase } from '../verify/rule-case.ts'
import { rulesWithTests } from '../verify/rules-with-tests.ts'

// The rules' own cases, taken instead of run.
const taken = vi.hoisted((): { rule: string; given: RuleCase }[] => [])
vi.mock('../verify/rule-case.ts', async (original) => ({
  ...(await original<typeof import('../verify/rule-case.ts')>()),
  ruleCase: (rule: string, given: RuleCase) => void taken.push({ rule, given }),
}))

/** Roles of the case, then tables, sequences, policies, constraints and triggers of its schemas. Columns stay: their names mean something. */
const RENAME = `do $$ declare item text; begin
  for item in
    select format('alter role %I rename to %I', rolname, replace(rolname, 'case_', 'we ird "')) from pg_roles where rolname ~ '^case_'
    union all select format('alter policy %I on %s rename to %I', polname, polrelid::regclass, 'we ird ' || polname) from pg_policy
    union all select format('alter table %s rename constraint %I to %I', conrelid::regclass, conname, 'we ird ' || conname)
      from pg_constraint c where conrelid >= 16384 and conparentid = 0 and coninhcount = 0 and contype in ('c', 'f', 'p', 'u', 'x')
        and not exists (select from pg_depend d where d.classid = 'pg_class'::regclass and d.objid = c.conrelid and d.deptype = 'e')
  loop execute item; end loop;
  for item in
    select format('alter %s %s rename to %I', case c.relkind when 'v' then 'view' when 'm' then 'materialized view' when 'S' then 'sequence'
      when 'f' then 'foreign table' else 'table' end, c.oid::regclass, 'we ird ' || c.relname)
    from pg_class c join pg_namespace n on n.oid = c.relnamespace
    where c.relkind in ('r', 'p', 'v', 'm', 'S', 'f') and c.oid >= 16384 and n.nspname !~ '^pg_' and n.nspname not in ('information_schema', 'partywall')
      and not exists (select from pg_depend d where d.classid = 'pg_class'::regclass and d.objid = c.oid and d.deptype in ('e', 'i'))
  loop execute item; end loop;
end $$`

for (const rule of rulesWithTests(process.env['FIXES_RULES'])) await import(`../verify/rules/${rule}.test.ts`)

describe('the fixes of rules, where names need quotes', () => {
  const spoke = new Set<string>()
  for (const [at, { rule, given }] of taken.entries())
    it(`${at + 1}/${taken.length} ${rule}${given.name === undefined ? '' : `: ${given.name}`}`, async () => {
      const opened = await openCase([given.base ?? HOLDING, given.hole])
      const roles = await opened.query(`select rolname::text as name from pg_roles where rolname ~ '^case_'`)
      try {
        await opened.run(RENAME)
        const appRole = weird(opened.role('app'))
        const { findings, summary } = await opened.verify({ mode: 'static', ...given.options, appRole })
        expect(summary.internalErrors).toEqual([])
        for (const finding of findings) {
          spoke.add(finding.rule)
          // What a person decides is a comment: there the statements are read, and not run.
          for (const sql of [finding.fix, ...commentedStatements(finding.fix)]) await opened.run(inTransaction(sql))
        }
      } finally {
        for (const { name } of roles)
          await opened.run(`alter role "${weird(String(name)).replaceAll('"', '""')}" rename to ${String(name)}`)
        await opened.close()
      }
    })
  it('tried the fixes of most rules', () =>
    expect(spoke.size).toBeGreaterThan(process.env['FIXES_RULES'] === undefined ? 60 : 0))
})

function weird(role: string): string {
  return role.replace('case_', 'we ird "')
}

/** Tried and taken back: fixes of one object are not meant to be run on each other here. */
function inTransaction(sql: string): string {
  return `begin; ${sql}\n; rollback`
}

/** Whole REVOKE, ALTER and DROP statements that stand in a comment by themselves. */
function commentedStatements(fix: string): readonly string[] {
  return [...fix.matchAll(/^--(?: Or, when nobody needs it:)?\s+((?:REVOKE|ALTER|DROP) [^…]+;)$/gm)].map(
    ([, sql]) => sql ?? '',
  )
}
