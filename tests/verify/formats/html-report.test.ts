import { describe, expect, it } from 'vitest'
import { ISO_27001 } from '../../../src/verify/formats/controls/iso-27001.ts'
import { judgeControl } from '../../../src/verify/formats/controls/judge-control.ts'
import { isAboutSpeed, mappedRules } from '../../../src/verify/formats/controls/mapped-rules.ts'
import { OWASP_MULTI_TENANT } from '../../../src/verify/formats/controls/owasp-multi-tenant.ts'
import { SOC2 } from '../../../src/verify/formats/controls/soc2.ts'
import type { ReportDocument } from '../../../src/verify/formats/document.ts'
import { renderHtml } from '../../../src/verify/formats/html/render-html.ts'
import { htmlStyle } from '../../../src/verify/formats/html/style.ts'
import { renderJson } from '../../../src/verify/formats/json.ts'
import { noObjectFor } from '../../../src/verify/formats/rule-objects.ts'
import { rules } from '../../../src/verify/rules/list.ts'
import { examined, leak, sampleDocument } from './sample-document.ts'

const STANDARDS = [SOC2, ISO_27001, OWASP_MULTI_TENANT]

/** A document of a run with all rules and without a finding. */
function quiet(changes: Partial<ReportDocument> = {}): ReportDocument {
  const sample = sampleDocument()
  const verdicts = { ...sample.summary.verdicts, leaks: 0, unproved: 0, unreliable: 0 }
  return sampleDocument({
    findings: [],
    accepted: [],
    gaps: [],
    warnings: [],
    internalErrors: [],
    rules: rules.map(({ id, group, title, severity, meaning, remedy }) => ({
      id,
      group,
      title,
      severity,
      meaning,
      remedy,
    })),
    summary: { ...sample.summary, exitCode: 0, verdict: 'No finding at or above medium.', verdicts },
    examined: { ...examined, leaks: [] },
    tables: [{ object: 'public.documents', verbs: { select: 'proved' }, reasons: {} }],
    ...changes,
  })
}

function control(id: string) {
  const found = STANDARDS.flatMap(({ controls }) => controls).find((each) => each.id === id)
  if (found === undefined) throw new RangeError(`no line ${id}`)
  return found
}

function section(page: string, id: string): string {
  return page.slice(page.indexOf(`<section id="${id}">`)).split('</section>')[0] ?? ''
}

describe('the lines of standards', () => {
  it('are judged by the findings of this run', () => {
    const broken = quiet({ findings: [leak] })
    expect(judgeControl(control('CC6.1'), broken)).toMatchObject({ result: 'findings', found: { findings: [0] } })
    expect(judgeControl(control('CC6.1'), quiet())).toMatchObject({ result: 'nothing found', found: { findings: [] } })
    const page = section(renderHtml(broken), 'soc2')
    expect(page).toContain('<a href="#F1">F1</a> (critical) <code>rls-disabled:public.documents</code>')
    expect(section(renderHtml(quiet()), 'soc2')).not.toContain('#F1')
  })

  it('say that an accepted finding is still there, and how many cells leak', () => {
    const sample = quiet()
    const document = quiet({
      accepted: [{ finding: leak, reason: 'known', expires: undefined }],
      summary: { ...sample.summary, verdicts: { ...sample.summary.verdicts, leaks: 3, proved: 5, held: 0 } },
    })
    expect(judgeControl(control('A.8.3'), document).result).toBe('findings')
    const page = section(renderHtml(document), 'iso-27001')
    expect(page).toContain('Accepted, and still there: <code>rls-disabled:public.documents</code>')
    expect(page).toContain('3 of 8 cells (table and verb) leak.')
  })

  it('give no result for a run without a verdict, and limit that of an unsealed or static run', () => {
    const sample = quiet()
    const noVerdict = quiet({ summary: { ...sample.summary, exitCode: 2 } })
    expect(judgeControl(control('CC6.1'), noVerdict).result).toBe('no verdict')
    const limits = (document: ReportDocument) => JSON.stringify(judgeControl(control('Do 1'), document))
    expect(limits(quiet())).toContain('are unsealed')
    expect(limits(quiet({ run: { ...sample.run, sealed: true } }))).not.toContain('are unsealed')
    expect(limits(quiet({ run: { ...sample.run, mode: 'static' } }))).toContain('Nothing was attacked')
  })

  it('take no run for monitoring, and no rule about speed for evidence', () => {
    expect(judgeControl(control('CC7.2'), quiet())).toEqual({
      result: 'not covered',
      reason: expect.stringContaining('one run is no monitoring'),
    })
    expect(section(renderHtml(quiet()), 'iso-27001')).toContain('One run is no monitoring')
    const mapped = STANDARDS.flatMap(({ controls }) => controls).flatMap((each) => mappedRules(each, quiet().rules))
    expect(mapped.length).toBeGreaterThan(100)
    expect(mapped.filter(({ id }) => isAboutSpeed(id))).toEqual([])
    expect(rules.filter(({ id }) => isAboutSpeed(id))).toHaveLength(3)
  })

  it('name each rule that is evidence, in a report that has it', () => {
    const page = renderHtml(quiet())
    expect(section(page, 'iso-27001')).toContain('<a href="#rule-role-bypassrls">role-bypassrls</a>')
    // Many rules are named by their groups.
    expect(section(page, 'owasp')).toContain('<a href="#group-policy">policy</a>')
    expect(section(page, 'rules')).toMatch(/id="group-policy".*policy-always-true, .*policy-fail-open/)
    for (const { groups } of STANDARDS.flatMap(({ controls }) => controls))
      for (const group of groups ?? []) expect(rules.some((rule) => rule.group === group)).toBe(true)
  })

  it('about the source of the tenant have no evidence about locks, signals and plans', () => {
    for (const id of ['Do 1', "Don't 1"]) {
      const ids = mappedRules(control(id), quiet().rules).map((rule) => rule.id)
      expect(ids).toEqual(expect.arrayContaining(['setting-forgeable', 'policy-user-claim', 'seal-key-readable']))
      for (const other of ['lock-table', 'backend-signal', 'pk-not-tenant-led', 'grant-temporary'])
        expect(ids).not.toContain(other)
    }
  })

  it('claim nothing in the text that is the same in every report', () => {
    for (const each of STANDARDS.flatMap(({ controls }) => controls)) {
      const fixed = each.groups === undefined ? each.missing : `${each.looks} ${each.limits ?? ''}`
      expect(fixed).not.toMatch(/\b(separates?|keeps?|checks it|add the tenant to each|are proved|holds)\b/)
    }
  })
})

describe('the scope', () => {
  it('says what was examined, what that does not show, and what was left out', () => {
    const page = renderHtml(sampleDocument())
    expect(page.indexOf('id="scope"')).toBeLessThan(page.indexOf('id="tables"'))
    expect(page).toContain('No production database was examined.')
    expect(renderHtml(sampleDocument({ origin: 'database' }))).not.toContain('No production database was examined.')
    expect(section(page, 'scope')).toContain('a dump holds no role attributes')
    expect(page).not.toContain('Nothing was left out')
    expect(section(renderHtml(quiet()), 'scope')).toContain('No object of the scanned schemas was skipped.')
    expect(section(page, 'scope')).toContain('Tables without a tenant column: <code>public.countries</code>')
  })

  it('counts functions apart from the judged schemas, and says how schemas of one tenant each were tried', () => {
    const objects = { ...examined.objects, function: 3, view: 1 }
    const page = section(renderHtml(sampleDocument({ examined: { ...examined, objects, tenantSchemas: 4 } })), 'scope')
    expect(page).toMatch(
      /Objects in them: [^.]*views: 1[^.]*\. Functions of all schemas, without those of extensions: 3\./,
    )
    expect(page).toMatch(/without those of extensions: 3\.<\/li><li>Of these schemas, 4 hold one tenant each\./)
    expect(page).toContain('the attacks try one')
  })

  it('names the logins and the privileges of roles that were not tried', () => {
    const page = renderHtml(sampleDocument())
    expect(section(page, 'scope')).toMatch(/Logins that were not tried: <code>postgres<\/code> \(superuser\)\./)
    const untried = section(page, 'privileges').split('Roles that were not tried')[1] ?? ''
    expect(untried).toContain('reporting')
    expect(untried).not.toContain('public.documents')
    expect(page).not.toContain('A relation and a role without a line')
    expect(page).not.toContain('no object of this schema has the fault')
  })
})

describe('findings with one cause', () => {
  const other = {
    ...leak,
    object: 'public.users',
    message: 'Row-level security is off on public.users.',
    key: 'rls-disabled:public.users',
    evidence: ['as app, tenant A: DELETE without WHERE removed the row of tenant B'],
    fix: 'ALTER TABLE public.users ENABLE ROW LEVEL SECURITY;',
  }
  const folded = { ...leak, message: `${leak.message} 1 more of this cause are listed by key.`, alike: [other.key] }

  it('show key, place, evidence and fix of each object', () => {
    const page = section(
      renderHtml(
        sampleDocument({
          findings: [folded],
          singly: [leak, other],
          locate: (object) => ({ file: 'a.sql', line: object === other.object ? 9 : 7 }),
        }),
      ),
      'findings',
    )
    for (const part of [leak.key, other.key, 'a.sql:7', 'a.sql:9', 'DELETE without WHERE removed', other.fix])
      expect(page).toContain(part)
    expect(page).not.toContain('listed by key')
  })

  it('are linked from the cells of each table, which say whether an attack or a reading shows the leak', () => {
    const document = sampleDocument({
      findings: [folded],
      singly: [leak, other],
      tables: [{ object: 'public.users', verbs: { select: 'leaks', insert: 'leaks' }, reasons: {} }],
      examined: {
        ...examined,
        leaks: [
          { object: 'public.users', verb: 'select', by: 'attack', keys: [other.key] },
          { object: 'public.users', verb: 'insert', by: 'reading', keys: [other.key] },
        ],
      },
    })
    const page = renderHtml(document)
    expect(section(page, 'tables')).toContain('by attack: <a href="#F1">F1</a>')
    expect(section(page, 'tables')).toContain('by reading: <a href="#F1">F1</a>')
    expect(section(page, 'findings')).toContain('insert on public.users: by reading of grants')
  })
})

describe('the verdict', () => {
  it('counts tables and cells that leak, also where every finding is accepted', () => {
    const sample = quiet()
    const head = (document: ReportDocument) => renderHtml(document).split('</header>')[0] ?? ''
    const page = head(sampleDocument())
    expect(page).toContain(
      '1 of 2 tables of tenants leaks, in 1 of 5 cells (table and verb): public.documents (select).',
    )
    const accepted = head(
      quiet({
        tables: sampleDocument().tables,
        summary: { ...sample.summary, verdicts: { ...sample.summary.verdicts, leaks: 1 } },
      }),
    )
    expect(accepted).toContain('class="verdict bad"')
    expect(head(quiet())).toContain('class="verdict good"')
    const below = { ...sample.summary, findings: { ...sample.summary.findings, critical: 0, low: 0, info: 3 } }
    expect(head(quiet({ findings: [leak], summary: below }))).toContain('Below medium there are 3 findings (3 info).')
  })
})

describe('evidence', () => {
  it('is joined over contexts, and says what a superuser shows', () => {
    const evidence = ['tenant A', "setting ''"].map((context) => `as app, ${context}: SELECT returned the planted row`)
    const page = section(
      renderHtml(
        sampleDocument({
          findings: [{ ...leak, evidence: [...evidence, 'as postgres, tenant A: SELECT returned the planted row'] }],
        }),
      ),
      'findings',
    )
    expect(page).toContain('as app: SELECT returned the planted row; in 2 contexts: tenant A; setting &#39;&#39;')
    expect(page).toContain('postgres is a superuser in this run.')
    expect(page).not.toContain('app is a superuser')
  })

  it('gives the base severity and the reason where the finding has another one', () => {
    const severityReason = 'Only `reads` are open.'
    const page = renderHtml(sampleDocument({ findings: [{ ...leak, severity: 'low', severityReason }] }))
    expect(page).toContain(
      'Severity low; the base severity of the rule is critical. Only <code>reads</code> are open. Status: open.',
    )
    expect(renderHtml(sampleDocument())).toContain('Severity critical. Status: open.')
    expect(page).toContain('<th scope="col" class="short">base severity</th>')
  })

  it('has code where a text has backticks', () => {
    const page = renderHtml(sampleDocument({ notes: ['run `partywall verify` again'] }))
    expect(section(page, 'reading')).toContain('run <code>partywall verify</code> again')
  })
})

describe('attacks and rules', () => {
  it('say what ran, what succeeded, and what was not applicable', () => {
    const attacks = [
      { name: 'read-across', title: 'reads' },
      { name: 'truncate', title: 'truncates' },
      { name: 'become', title: 'becomes' },
    ]
    const counts = [
      { name: 'read-across', probes: 7, reached: ['public.documents'] },
      { name: 'truncate', probes: 2, reached: [] },
      { name: 'become', probes: 0, reached: [] },
    ]
    const page = section(renderHtml(sampleDocument({ attacks, examined: { ...examined, attacks: counts } })), 'attacks')
    expect(page).toContain('12 probes in transactions that were rolled back: 9 by the attacks below, 3 by planting')
    expect(page).toMatch(/read-across<.*>7<.*succeeded on <code>public\.documents<\/code>/)
    expect(page).toMatch(/truncate<.*>2<.*did not succeed/)
    expect(page.indexOf('<code>become</code>')).toBeGreaterThan(page.indexOf('Attacks that sent no probe'))
  })

  it('say that an outcome speaks of what was tried, and what a rollback leaves behind', () => {
    const page = renderHtml(sampleDocument())
    expect(section(page, 'attacks')).toContain(
      'The second column names everything that an attack can do. In this run it did only the part',
    )
    expect(section(page, 'attacks')).toContain(
      'sequences stay advanced, and files of tables and indexes keep the space',
    )
    expect(section(page, 'glossary')).toContain('A rollback does not move sequences back')
  })

  it('say once that none ran, where no table is shared', () => {
    const attacks = [
      { name: 'read-across', title: 'reads' },
      { name: 'truncate', title: 'truncates' },
    ]
    const page = section(renderHtml(sampleDocument({ attacks, examined: { ...examined, attacks: [] } })), 'attacks')
    expect(page).toContain('These 2 attacks did not run, because no table is shared by several tenants')
    expect(page).not.toContain('<table')
  })

  it('say which controls worked, and which did not run', () => {
    const page = section(renderHtml(sampleDocument()), 'controls')
    expect(page).toContain('1 of 2 controls worked')
    expect(page).toMatch(/>app worked<.*>app did not run</)
  })

  it('tell a rule without a finding from one without an object', () => {
    expect(noObjectFor('view-definer', examined)).toBe('view')
    expect(noObjectFor('view-definer', { ...examined, objects: { ...examined.objects, view: 1 } })).toBeUndefined()
    expect(noObjectFor('rls-disabled', examined)).toBeUndefined()
    expect(noObjectFor('view-definer', { ...examined, tenantSchemas: 2 })).toBeUndefined()
    const page = section(renderHtml(quiet()), 'rules')
    expect(page).toMatch(/id="rule-view-definer".*not applicable: no view in the schemas/)
    expect(page).toMatch(/id="rule-rls-disabled".*>none</)
  })
})

describe('rows before the run', () => {
  const of = (changes: Partial<ReturnType<typeof sampleDocument>['run']>, more: Partial<typeof examined> = {}) => {
    const { run } = sampleDocument()
    return renderHtml(sampleDocument({ run: { ...run, ...changes }, examined: { ...examined, ...more } }))
  }

  it('stand in the head, and say no more than was looked at', () => {
    expect(of({ rowsBefore: 'none' })).toContain('<dd>No tenant table held rows when the run began.</dd>')
    expect(of({ rowsBefore: 'some' })).toContain('At least one tenant table held rows when the run began.')
    expect(of({ rowsBefore: 'unknown' })).toContain('held rows when the run began is not known')
    expect(of({})).toContain('Nobody looked whether tenant tables held rows.')
    expect(of({ rowsBefore: 'none' }, { tenantSchemas: 2 })).toContain(
      'Tables in schemas of one tenant each were not looked into.',
    )
    const [table] = examined.relations
    if (table === undefined) throw new RangeError('no sample')
    const foreign = { ...table, kind: 'foreign-table', bound: 'tenant' } as const
    expect(of({ rowsBefore: 'none' }, { relations: [foreign] })).toContain('Foreign tables were not looked into.')
  })
})

describe('how to get the same digest', () => {
  it('names host, port and rows for a database, and paths for files', () => {
    const page = (origin: 'files' | 'database') => section(renderHtml(sampleDocument({ origin })), 'integrity')
    expect(page('database')).toContain('A copy on another host, port or database has another digest')
    expect(page('database')).toContain('if the answer to “rows before the run” is the same')
    expect(page('files')).toContain('the same files under the same path')
    expect(page('files')).not.toContain('host, port or database has another digest')
  })

  it('says when the time decided which fixes were tried', () => {
    const untried = {
      ...leak,
      fix: '-- Not shown to be harmless: not tried, because the time limit was reached; with --fix FILE all fixes are tried.',
    }
    const of = (findings: readonly (typeof leak)[]) => section(renderHtml(sampleDocument({ findings })), 'integrity')
    expect(of([untried])).toContain('In this run some fixes were not tried')
    expect(of([leak])).toContain('Without --fix the trial of fixes ends after five seconds')
  })
})

describe('identity', () => {
  const made = {
    at: '2026-11-30T15:00:00.000Z',
    finishedAt: '2026-11-30T15:00:12.000Z',
    seconds: 12,
    command: 'partywall verify',
    nodeVersion: '22.18.0',
    platform: 'linux x64',
    directory: 'shop',
    git: { commit: 'c'.repeat(40), clean: false },
    inputs: [{ name: 'migrations/0001.sql', bytes: 123, sha256: 'd'.repeat(64) }],
    options: ['failOn: medium'],
  }

  it('has start and end, commit, files with digests, and options', () => {
    const page = renderHtml(sampleDocument({ made }))
    for (const part of [
      '2026-11-30 15:00:00 UTC',
      '2026-11-30 15:00:12 UTC',
      'c'.repeat(40),
      'with changes that are not committed',
      'linux x64',
      'd'.repeat(64),
      'failOn: medium',
    ])
      expect(page).toContain(part)
    expect(renderHtml(sampleDocument({ made: { ...made, git: undefined } }))).toContain('not known')
  })

  it('tells partywall’s own migrations apart from the files of the application', () => {
    const own = { name: '0001_seal.sql', bytes: 9, sha256: 'f'.repeat(64) }
    const copy = { ...own, name: 'db/0002_copy.sql', ofPartywall: '0001_seal.sql' }
    const document = sampleDocument({ made: { ...made, inputs: [...made.inputs, copy], ownInputs: [own] } })
    const page = section(renderHtml(document), 'inputs')
    const [files = '', packaged = ''] = page.split('<h3>partywall’s own migrations</h3>')
    expect(files).toMatch(/db\/0002_copy\.sql<\/code><small>the same bytes as <code>0001_seal\.sql/)
    expect(files.match(/the same bytes as/g)).toHaveLength(1)
    expect(packaged).toContain('0001_seal.sql')
    expect(packaged).not.toContain('0001.sql')
    expect(section(renderHtml(sampleDocument({ made })), 'inputs')).not.toContain('own migrations</h3>')
    const json = JSON.parse(renderJson(document))
    expect(json.ownMigrations).toEqual([own])
    expect(json.inputs.at(-1)).toEqual(copy)
  })

  it('has the roles and the policies as the catalog has them', () => {
    const page = renderHtml(sampleDocument({ made }))
    expect(section(page, 'roles')).toMatch(/<code>postgres<\/code>.*>yes<.*>yes<.*>yes</)
    expect(section(page, 'policies')).toContain('current_setting(&#39;app.current_tenant_id&#39;::text)')
    expect(section(page, 'policies')).toContain('row-level security off, not forced')
  })

  it('is on each printed page, and a name gets no power over the style sheet', () => {
    const style = htmlStyle('x";}</style><b>*{display:none}')
    expect(style).toContain('@bottom-right{content:"page " counter(page) " of " counter(pages)')
    expect(/@top-left\{content:"([^"]*)"/.exec(style)?.[1]).toBe('x/stylebdisplay:none')
    expect(style).not.toContain('<')
    expect(renderHtml(sampleDocument({ made }))).toMatch(
      new RegExp(`report 20261130T150000000Z-[0-9a-f]{12}, schema digest ${'a'.repeat(12)}`),
    )
  })
})
