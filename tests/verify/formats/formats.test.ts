import { describe, expect, it } from 'vitest'
import { FORMATS, renderReport } from '../../../src/verify/formats/formats.ts'
import { renderHtml } from '../../../src/verify/formats/html.ts'
import { renderJson } from '../../../src/verify/formats/json.ts'
import { renderJunit } from '../../../src/verify/formats/junit.ts'
import { renderMarkdown } from '../../../src/verify/formats/markdown.ts'
import { renderPretty } from '../../../src/verify/formats/pretty.ts'
import { renderSarif } from '../../../src/verify/formats/sarif.ts'
import { leak, sampleDocument } from './sample-document.ts'
import { sarifProblems } from './sarif-shape.ts'

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
    for (const format of FORMATS) expect(renderReport(format, nothing), format).toContain('migrations/')
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
  it('has the shape that SARIF 2.1.0 demands, and the shape test sees what is wrong', () => {
    const log = JSON.parse(renderSarif(sampleDocument()))
    expect(sarifProblems(log)).toEqual([])
    expect(log.runs[0].results).toHaveLength(3)
    for (const result of log.runs[0].results) {
      expect(log.runs[0].tool.driver.rules[result.ruleIndex].id).toBe(result.ruleId)
    }
    log.runs[0].results[0].level = 'critical'
    delete log.runs[0].tool.driver.name
    expect(sarifProblems(log)).toHaveLength(2)
  })
})

describe('junit', () => {
  it('is well-formed and counts what fails', () => {
    const xml = renderJunit(sampleDocument())
    expect(xmlProblem(xml)).toBeUndefined()
    expect(xml).toContain(
      '<testsuites name="partywall verify: migrations/" tests="9" failures="2" errors="2" skipped="2"',
    )
    expect(xmlProblem(`${xml}<open>`)).toBeDefined()
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
    expect(html).not.toMatch(/<script|https?:/)
    for (const criterion of ['CC6.1', 'CC6.3', 'CC7.2']) expect(html).toContain(criterion)
    expect(html.match(/<(?!br|meta|!)[a-z][^>]*>/g)?.length).toBe(html.match(/<\/[a-z0-9]+>/g)?.length)
  })
})

/** Undefined for well-formed XML, as far as we write it: no CDATA, no comments. */
function xmlProblem(xml: string): string | undefined {
  const open: string[] = []
  const body = xml.replace(/^<\?xml [^>]*\?>\n/, '')
  for (const part of body.match(/<[^>]*>|[^<]+/g) ?? []) {
    if (!part.startsWith('<')) {
      if (/&(?!(amp|lt|gt|quot|#39);)/.test(part)) return `bad reference in ${part}`
      continue
    }
    const tag = /^<(\/?)([\w-]+)((?: [\w-]+="[^"<]*")*)(\/?)>$/.exec(part)
    if (tag === null) return `bad tag ${part}`
    if (tag[1] === '/') {
      if (open.pop() !== tag[2]) return `bad end ${part}`
    } else if (tag[4] === '') open.push(tag[2] ?? '')
  }
  return open.length === 0 ? undefined : `no end of ${open}`
}
