import { describe, expect, it } from 'vitest'
import { SEVERITIES } from '../../../src/verify/finding/finding.ts'
import { FORMATS } from '../../../src/verify/formats/format-names.ts'
import { renderReport } from '../../../src/verify/formats/formats.ts'
import { renderHtml } from '../../../src/verify/formats/html/render-html.ts'
import { renderJson } from '../../../src/verify/formats/json.ts'
import { renderJunit } from '../../../src/verify/formats/junit.ts'
import { renderMarkdown } from '../../../src/verify/formats/markdown.ts'
import { renderPretty } from '../../../src/verify/formats/pretty.ts'
import { renderSarif } from '../../../src/verify/formats/sarif.ts'
import { junitProblems } from './junit-shape.ts'
import { leak, sampleDocument } from './sample-document.ts'
import { sarifProblems } from './sarif-schema.ts'

describe('every format', () => {
  it('tells the finding, its fix, the table and the baseline, the same each time', () => {
    for (const format of FORMATS) {
      const report = renderReport(format, sampleDocument())
      for (const part of ['rls-disabled', 'public.documents', 'ENABLE ROW LEVEL SECURITY']) {
        expect(report.replaceAll('\\', ''), format).toContain(part)
      }
      expect(renderReport(format, sampleDocument()), format).toBe(report)
    }
  })

  it('gives names from the database no power over a terminal', () => {
    for (const format of FORMATS) {
      const controls = /[^\P{Cc}\n]|\u202e/u
      expect(controls.exec(renderReport(format, sampleDocument()))?.[0], format).toBeUndefined()
    }
  })

  it('renders a report of nothing', () => {
    const nothing = sampleDocument({ findings: [], accepted: [], tables: [], attacks: [], rules: [], checklist: [] })
    for (const format of FORMATS) {
      // GitLab expects a list of findings and nothing else.
      expect(renderReport(format, nothing), format).toContain(format === 'gitlab' ? '[]' : 'migrations/')
    }
  })
})

describe('pretty', () => {
  it('puts the worst first, with the fix below, and colours only where asked', () => {
    const report = renderPretty(sampleDocument())
    expect(report.indexOf('CRITICAL')).toBeLessThan(report.indexOf('LOW'))
    expect(report).toContain('migrations/0001 a.sql:7')
    expect(report).toMatch(/public\.documents\s+leaks\s+proved\s+held\s+unproved/)
    expect(report).toContain('delete: no row could be planted')
    expect(renderPretty(sampleDocument(), (style, text) => `<${style}>${text}</>`)).toContain('<red>CRITICAL</>')
  })
})

describe('pretty, in lines that a terminal need not break', () => {
  it('breaks text and SQL at words, and the SQL stays what it was', () => {
    const words = Array.from({ length: 60 }, (_, at) => `word${at}`).join(' ')
    const statement = `CREATE POLICY p ON t USING (name = 'two  words ${'and more '.repeat(30)}' AND ${words.replaceAll(' ', ' + ')} > 1);`
    const report = renderPretty(
      sampleDocument({
        notes: [words],
        gaps: [words],
        findings: [{ ...leak, message: words, evidence: [words], fix: `${statement}\n-- ${words}` }],
        tables: [{ object: 'public.t', verbs: { select: 'unproved' }, reasons: { select: words } }],
        unwalled: [{ object: 'public.u', verbs: ['select'], reason: words }],
        setUp: ['CREATE ROLE app LOGIN;'],
      }),
    )
    const long = report.split('\n').filter((line) => line.length > 118)
    // One quoted text can't be broken.
    expect(long.map((line) => line.trim().slice(0, 12))).toEqual([`'two  words `])
    const fix = /fix:\n([\s\S]*?)\n {2}key:/.exec(report)?.[1] ?? ''
    const lines = fix.split('\n').map((line) => line.slice(4))
    const sql = lines.filter((line) => !line.startsWith('--'))
    expect(sql.map((line, at) => (at === 0 ? line : line.slice(2))).join(' ')).toBe(statement)
    expect(lines.filter((line) => line.startsWith('--')).length).toBeGreaterThan(2)
    expect(report).toContain('these lines make such a role:\n    CREATE ROLE app LOGIN;')
  })
})

describe('pretty, of a schema with many tables', () => {
  it('says once what is the same of many, with every key and every fix', () => {
    const many = ['a', 'b', 'c'].map((name) => ({
      ...leak,
      object: `public.${name}`,
      message: `Row-level security is off on public.${name}: any tenant can select the rows of all tenants.`,
      fix: `ALTER TABLE public.${name} ENABLE ROW LEVEL SECURITY;\n-- look`,
      key: `rls-disabled:public.${name}`,
    }))
    const report = renderPretty(sampleDocument({ findings: many }))
    expect(report.split('Row-level security is off').length - 1).toBe(1)
    expect(report).toContain('CRITICAL  3 times  rls-disabled')
    for (const { key, fix } of many) {
      expect(report).toContain(key)
      expect(report).toContain(fix.replace('\n', '\n    '))
    }
    // Two are read faster one by one, and what differs is not folded.
    const two = renderPretty(sampleDocument({ findings: many.slice(1) }))
    expect(two.split('Row-level security is off').length - 1).toBe(2)
    const [first, ...others] = many
    const other = { ...leak, ...first, message: 'Something else of public.a.' }
    expect(renderPretty(sampleDocument({ findings: [other, ...others] }))).toContain('Something else of public.a.')
  })
})

describe('json', () => {
  it('is versioned and holds findings, tables and summary', () => {
    const report: unknown = JSON.parse(renderJson(sampleDocument()))
    expect(report).toMatchObject({
      version: 1,
      findings: [{ ...leak, location: { file: 'migrations/0001 a.sql', line: 7 } }, {}],
      accepted: [{ key: 'grant-truncate:public.users', reason: 'ops', expires: '2026-12-31' }],
      tables: [{ object: 'public.documents', verbs: { select: 'leaks' } }, {}],
      summary: { exitCode: 1, appRole: 'app', counts: { findings: { critical: 1 }, accepted: 1 } },
    })
  })
})

describe('sarif', () => {
  const everySeverity = SEVERITIES.flatMap((severity) =>
    // public.documents has a position in a file, the other has none.
    ['public.documents', 'public.elsewhere'].map((object) => ({
      ...leak,
      severity,
      object,
      proof: severity === 'low' ? ('static' as const) : leak.proof,
      key: `${leak.rule}:${object}:${severity}`,
    })),
  )

  it('is valid by the official schema of SARIF 2.1.0, with findings of every severity and without any', () => {
    const documents = {
      sample: sampleDocument(),
      'every severity': sampleDocument({ findings: everySeverity }),
      nothing: sampleDocument({
        findings: [],
        accepted: [],
        tables: [],
        rules: [],
        warnings: [],
        gaps: [],
        internalErrors: [],
      }),
      'could not run': sampleDocument({ summary: { ...sampleDocument().summary, exitCode: 2 } }),
    }
    for (const [name, document] of Object.entries(documents)) {
      const log = JSON.parse(renderSarif(document))
      expect(sarifProblems(log), name).toEqual([])
      expect(log.runs[0].results, name).toHaveLength(document.findings.length + document.accepted.length)
      for (const result of log.runs[0].results) {
        expect(log.runs[0].tool.driver.rules[result.ruleIndex].id).toBe(result.ruleId)
      }
    }
    const { results } = JSON.parse(renderSarif(documents['every severity'])).runs[0]
    const located = results.filter(
      (result: { locations: object[] }) => 'physicalLocation' in (result.locations[0] ?? {}),
    )
    expect(located).toHaveLength(SEVERITIES.length + documents['every severity'].accepted.length)
    const levels = new Set(results.map((result: { level: string }) => result.level))
    expect([...levels].sort()).toEqual(['error', 'note', 'warning'])
  })

  it('is not valid once something in it is wrong', () => {
    const broken = [
      (log: SarifLog) => void Object.assign(log.runs[0].results[0], { level: 'critical' }),
      (log: SarifLog) => void Object.assign(log.runs[0].results[0], { fix: 'an unknown property' }),
      (log: SarifLog) =>
        void Object.assign(log.runs[0].results[0].locations[0].physicalLocation, { region: { startLine: 0 } }),
      (log: SarifLog) =>
        void Object.assign(log.runs[0].results[0].locations[0].physicalLocation.artifactLocation, { uri: 'a b\\c' }),
      (log: SarifLog) => void Reflect.deleteProperty(log.runs[0].tool.driver, 'name'),
      (log: SarifLog) => void Object.assign(log, { $schema: 'nowhere' }),
    ]
    for (const change of broken) {
      const log = JSON.parse(renderSarif(sampleDocument()))
      change(log)
      expect(sarifProblems(log), change.toString()).not.toEqual([])
    }
  })
})

interface SarifLog {
  readonly runs: readonly [
    {
      readonly tool: { readonly driver: object }
      readonly results: readonly [
        { readonly locations: readonly [{ readonly physicalLocation: { readonly artifactLocation: object } }] },
      ]
    },
  ]
}

describe('junit', () => {
  it('is well-formed, has the shape that its readers expect, and counts what fails', () => {
    const nothing = { findings: [], accepted: [], tables: [], internalErrors: [] }
    for (const document of [sampleDocument(), sampleDocument(nothing)]) {
      expect(junitProblems(renderJunit(document))).toEqual([])
    }
    const xml = renderJunit(sampleDocument())
    expect(xml).toContain(
      '<testsuites name="partywall verify: migrations/" tests="10" failures="2" errors="2" time="0">',
    )
    for (const broken of [
      `${xml}<open>`,
      xml.replace('failures="2"', 'failures="3"'),
      xml.replace(/ classname="[^"]*"/, ''),
      xml.replace('<testcase', '<case'),
      xml.replace('&lt;', '<'),
    ]) {
      expect(junitProblems(broken)).not.toEqual([])
    }
  })

  it('fails nothing where the exit code is 0', () => {
    const passed = sampleDocument({ findings: [], summary: { ...sampleDocument().summary, exitCode: 0 } })
    expect(renderJunit(passed)).toContain('failures="0"')
  })
})

describe('markdown and html', () => {
  it('let no name become markup', () => {
    const outsideFences = renderMarkdown(sampleDocument()).replace(/^(`{3,})[\s\S]*?^\1$/gm, '')
    expect(outsideFences).not.toMatch(/[^\\]<b>/)
    const html = renderHtml(sampleDocument())
    expect(html).not.toContain('<b>|')
    // One file: nothing is fetched, nothing runs.
    expect(html).not.toMatch(/<script|https?:|<link|<img|<iframe|<object|\bsrc=|\burl\(|@import/)
    expect(html).toMatch(/^<!doctype html>[\s\S]*<style>[\s\S]*<\/html>\n?$/i)
    for (const criterion of ['CC6.1', 'CC6.3', 'CC7.2']) expect(html).toContain(criterion)
    expect(html.match(/<(?!br|meta|!)[a-z][^>]*>/g)?.length).toBe(html.match(/<\/[a-z0-9]+>/g)?.length)
  })
})

const made = {
  at: '2026-11-30T15:00:00.000Z',
  seconds: 12.3456,
  command: 'partywall verify --attack',
  nodeVersion: '22.18.0',
}

describe('html', () => {
  it('begins with the verdict, and with what identifies the run', () => {
    const page = renderReport('html', sampleDocument({ made }))
    const head = page.slice(page.indexOf('<header>'), page.indexOf('<nav'))
    for (const part of [
      'Isolation is broken.',
      '2026-11-30 15:00:00 UTC',
      '12.3 seconds',
      'partywall verify --attack',
      'PostgreSQL 18.4',
      'a'.repeat(64),
    ])
      expect(head).toContain(part)
  })

  it('has an anchor for each link', () => {
    const page = renderReport('html', sampleDocument())
    const anchors = new Set([...page.matchAll(/ id="([^"]+)"/g)].map(([, id]) => id))
    const links = [...page.matchAll(/href="#([^"]+)"/g)].map(([, id]) => id)
    expect(links.length).toBeGreaterThan(8)
    expect(links.filter((link) => !anchors.has(link ?? ''))).toEqual([])
  })

  it('has each line of OWASP, SOC 2 and ISO 27001', () => {
    const page = renderReport('html', sampleDocument())
    for (const id of ['CC6.1', 'CC6.3', 'CC7.2', 'A.8.3', 'Do 9', 'Don&#39;t 9'])
      expect(page).toMatch(new RegExp(`<td data-column="line" class="short">${id}</td>`))
  })
})

describe('annotations', () => {
  it('point GitHub at the line that makes the object, and can not be forged by a name', () => {
    const lines = renderReport('github', sampleDocument()).trimEnd().split('\n')
    expect(lines[0]).toMatch(
      /^::error file=migrations\/0001 a\.sql,line=7,title=critical%3A rls-disabled::public\.documents/,
    )
    expect(lines.every((line) => /^::(error|warning|notice) [^\n]*::/.test(line))).toBe(true)
    const forged = renderReport(
      'github',
      sampleDocument({ findings: [{ ...leak, object: 'x\n::set-output name=a::b', message: '%0A::error::' }] }),
    )
    expect(forged.split('\n').filter((line) => line.startsWith('::'))).toHaveLength(2)
    expect(forged).toContain('%250A')
  })

  it('give GitLab what it requires of each finding, with a fingerprint that stays', () => {
    const issues = JSON.parse(renderReport('gitlab', sampleDocument()))
    expect(issues[0]).toEqual({
      description: expect.stringContaining('public.documents'),
      check_name: 'rls-disabled',
      fingerprint: expect.stringMatching(/^[0-9a-f]{64}$/),
      severity: 'blocker',
      content: { body: expect.stringContaining('ENABLE ROW LEVEL SECURITY') },
      location: { path: 'migrations/0001 a.sql', lines: { begin: 7 } },
    })
    expect(JSON.parse(renderReport('gitlab', sampleDocument()))[0].fingerprint).toBe(issues[0].fingerprint)
  })
})

describe('junit', () => {
  it('has the time of the run', () => {
    expect(renderReport('junit', sampleDocument({ made }))).toMatch(/<testsuites [^>]*time="12\.346"/)
  })
})
