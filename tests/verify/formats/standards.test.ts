import { describe, expect, it } from 'vitest'
import type { Finding } from '../../../src/verify/finding/finding.ts'
import type { RuleId } from '../../../src/verify/finding/rule-id.ts'
import { ISO_27001 } from '../../../src/verify/formats/controls/iso-27001.ts'
import { judgeControl } from '../../../src/verify/formats/controls/judge-control.ts'
import { isAboutSpeed, mappedRules } from '../../../src/verify/formats/controls/mapped-rules.ts'
import { OWASP_MULTI_TENANT } from '../../../src/verify/formats/controls/owasp-multi-tenant.ts'
import { SOC2 } from '../../../src/verify/formats/controls/soc2.ts'
import type { ReportDocument } from '../../../src/verify/formats/document.ts'
import { renderHtml } from '../../../src/verify/formats/html/render-html.ts'
import { makeDocument } from '../../../src/verify/formats/make-document.ts'
import { rules } from '../../../src/verify/rules/list.ts'
import { HOLDING, withCase } from '../rule-case.ts'
import { examined, leak, sampleDocument } from './sample-document.ts'

const LINES = [SOC2, ISO_27001, OWASP_MULTI_TENANT].flatMap(({ controls }) => controls)

function line(id: string) {
  const found = LINES.find((each) => each.id === id)
  if (found === undefined) throw new RangeError(`no line ${id}`)
  return found
}

/** The rules of these groups, but those about speed. */
function group(...names: readonly string[]): readonly string[] {
  return rules.filter(({ id, group: name }) => names.includes(name) && !isAboutSpeed(id)).map(({ id }) => id)
}

const OWNED: readonly RuleId[] = ['table-owned-by-app', 'schema-owned-by-app']

/** What a line promises to look at, in its own words, and the rules without which the promise is not kept. */
const PROMISES: readonly (readonly [promise: RegExp, rules: readonly string[]])[] = [
  [/\bown\b/, OWNED],
  [/roles of the application own/, ['policy-function-untrusted', 'replaceable-type-operator']],
  [
    /were granted/,
    [...group('grant'), 'grant-temporary', 'backend-signal', 'schema-create', 'sequence-writable', 'seal-key-readable'],
  ],
  [/grants/, group('grant')],
  [/become/, [...group('role', 'escape'), 'policy-role-wide']],
  [/[Pp]olicies/, group('policy', 'rls')],
  [/fail closed without a tenant/, ['policy-fail-open', 'setting-default', 'setter-session-scope', ...group('code')]],
  [/which roles pass them/, ['role-bypassrls', ...OWNED, ...group('role')]],
  [
    /views/,
    ['view-definer', 'view-nested-definer', 'view-write-no-check', 'view-filter-no-barrier', 'matview-exposed'],
  ],
  [/functions of|and functions\b/, group('code')],
  [/keys/, [...group('key'), 'pk-not-tenant-led']],
  [/plans/, ['statistics-oracle', 'leakproof-false', 'view-filter-no-barrier']],
  [/sequences/, ['sequence-oracle', 'sequence-writable', 'sequence-exhaustible']],
  [/Each table and verb|checks the tenant of each row/, [...group('rls', 'policy', 'code'), 'role-bypassrls']],
  [/reads, changes or learns of rows|security test of the schema/, rules.map(({ id }) => id)],
  [/context of another|can be forged/, ['setting-forgeable', 'secdef-tenant-argument', 'trigger-overwrites-tenant']],
  [
    /without a tenant column/,
    ['untenanted-child', 'untenanted-payload', 'tenant-column-nullable', 'global-table-writable'],
  ],
]

const looksAt = (each: (typeof LINES)[number]) => (each.groups === undefined ? '' : each.looks)

describe('each line of each standard', () => {
  const all = rules.map(({ id, group: name, title, severity, meaning, remedy }) => ({
    id,
    group: name,
    title,
    severity,
    meaning,
    remedy,
  }))

  it.each(LINES.filter(({ groups }) => groups !== undefined).map(({ id }) => id))(
    '%s has all rules about what it says is looked at',
    (id) => {
      const mapped = mappedRules(line(id), all).map((rule) => rule.id)
      const promised = PROMISES.filter(([promise]) => promise.test(looksAt(line(id))))
      expect(promised).not.toEqual([])
      for (const [promise, needed] of promised)
        expect([String(promise), needed.filter((rule) => !isAboutSpeed(rule) && !mapped.includes(rule))]).toEqual([
          String(promise),
          [],
        ])
    },
  )

  it('names in the report the rules that are not of its groups', () => {
    const owasp = renderHtml(sampleDocument({ rules: all }))
      .split('<section id="owasp">')[1]
      ?.split('</section>')[0]
    const row = owasp?.split('<tr>').find((each) => each.includes(text("Don't 4"))) ?? ''
    for (const rule of ['setting-default', 'role-self-settings'])
      expect(row).toContain(`<a href="#rule-${rule}">${rule}</a>`)
  })

  it('says that contexts are unsealed where it counts proved cells', () => {
    const sample = sampleDocument({ rules: all })
    for (const each of LINES) {
      const judged = judgeControl(each, sample)
      if (judged.result === 'not covered' || judged.found.held.length === 0) continue
      expect([each.id, judged.found.limits.join()]).toEqual([each.id, expect.stringContaining('are unsealed')])
    }
  })

  it('says “findings” where cells leak, even if no finding that is known explains them', () => {
    const sample = sampleDocument({ rules: all, findings: [], accepted: [] })
    const document = sampleDocument({
      ...sample,
      summary: { ...sample.summary, exitCode: 1 },
      examined: { ...examined, leaks: [] },
    })
    expectNoContradiction(document)
  })

  it('names an accepted finding of another rule by which cells leak', () => {
    const bypass: Finding = { ...leak, rule: 'role-bypassrls', key: 'role-bypassrls:role app', object: 'role app' }
    const document = sampleDocument({
      rules: all,
      findings: [],
      accepted: [{ finding: bypass, reason: 'known', expires: undefined }],
      examined: {
        ...examined,
        leaks: [{ object: 'public.documents', verb: 'select', by: 'attack', keys: [bypass.key] }],
      },
    })
    expect(judgeControl(line('A.5.15'), document)).toMatchObject({ found: { accepted: [bypass.key] } })
  })
})

function text(id: string): string {
  return id.replace("'", '&#39;')
}

/** No line that says that cells leak says also that nothing was found, and each names every finding behind the leaks. */
function expectNoContradiction(document: ReportDocument): void {
  const keys = new Set(document.examined.leaks.flatMap((each) => each.keys))
  const behind = document.findings.flatMap((finding, at) =>
    [finding.key, ...(finding.alike ?? [])].some((key) => keys.has(key)) ? [at] : [],
  )
  let quoting = 0
  for (const each of LINES) {
    const judged = judgeControl(each, document)
    if (judged.result === 'not covered') continue
    const { findings, leaking, limits } = judged.found
    if (!limits.some((limit) => / leak\.$/.test(limit))) continue
    quoting += 1
    expect([each.id, judged.result]).toEqual([each.id, 'findings'])
    expect([each.id, [...findings, ...leaking]]).toEqual([each.id, expect.arrayContaining([...behind])])
  }
  expect(quoting).toBeGreaterThan(6)
}

const OWNS = `alter table documents no force row level security; alter table documents owner to {app};`
const LEAKY: Readonly<Record<string, { readonly sql: string; readonly rule: RuleId; readonly at: readonly string[] }>> =
  {
    'the application owns the table': { sql: OWNS, rule: 'table-owned-by-app', at: ['CC6.3', 'A.8.2', "Don't 4"] },
    'a policy opens without a tenant': {
      sql: `drop policy tenant_isolation on documents;
      create policy tenant_isolation on documents using (nullif(current_setting('app.tenant_id', true), '') is null
        or tenant_id = nullif(current_setting('app.tenant_id', true), '')::uuid);`,
      rule: 'policy-fail-open',
      at: ["Don't 4", 'Do 3', 'A.5.15'],
    },
    'the role of the application has BYPASSRLS': {
      sql: 'alter role {app} bypassrls;',
      rule: 'role-bypassrls',
      at: ['A.5.15', 'A.8.3', 'Do 2', 'Do 3', 'Do 6', "Don't 4", "Don't 5"],
    },
    'a function reads the rows of all tenants': {
      sql: `create function all_documents() returns setof documents language sql security definer
        set search_path = pg_catalog, public, pg_temp as 'select * from public.documents';
      grant execute on function all_documents() to {app};`,
      rule: 'secdef-unfiltered',
      at: ['A.8.3', 'Do 2', 'Do 6', "Don't 4"],
    },
    'a view reads with the rights of its owner': {
      sql: 'create view titles as select id, tenant_id, title from documents; grant select on titles to {app};',
      rule: 'view-definer',
      at: ['A.8.3', 'Do 2', 'Do 6', "Don't 4"],
    },
  }

describe('the lines of standards for a schema that leaks', () => {
  it.each(Object.entries(LEAKY))('do not say that nothing was found: %s', async (_, { sql, rule, at }) => {
    await withCase([HOLDING, sql], async (verify) => {
      const report = await verify()
      const document = makeDocument({
        report,
        toolVersion: '0.1.0',
        target: 'a test',
        failOn: 'medium',
        notes: [],
        gaps: [],
        origin: 'database',
      })
      const place = document.findings.findIndex((finding) => finding.rule === rule)
      expect(place, document.findings.map(({ key }) => key).join(', ')).toBeGreaterThanOrEqual(0)
      expect(document.summary.verdicts.leaks).toBeGreaterThan(0)
      expectNoContradiction(document)
      for (const id of at) {
        const judged = judgeControl(line(id), document)
        const places = judged.result === 'not covered' ? [] : [...judged.found.findings, ...judged.found.leaking]
        expect([id, judged.result, places]).toEqual([id, 'findings', expect.arrayContaining([place])])
      }
    })
  })
})
