import { describe, expect, it } from 'vitest'
import { checklist } from '../../src/report/checklist.ts'
import type { Evidence } from '../../src/report/evidence.ts'
import { checklistLines } from '../../src/report/lines.ts'
import { completeBanner, renderChecklist } from '../../src/report/render-checklist.ts'

const by = 'npm run demo -- --once'

function everyLineProved(): Evidence[] {
  return checklistLines.map((line) => ({
    line: line.id,
    verdict: 'proved',
    by,
    count: line.atLeast ?? 3,
    detail: `held: ${line.id}`,
  }))
}

describe('checklist', () => {
  it('has the six completed lines, the five outputs and the four security lines, each with its own id', () => {
    const sizes = ['Completed', 'Outputs', 'Security Verification'].map(
      (section) => checklistLines.filter((line) => line.section === section).length,
    )
    expect(sizes).toEqual([6, 5, 4])
    expect(new Set(checklistLines.map((line) => line.id)).size).toBe(15)
  })

  it('leaves every line open without evidence and names the command that tries it', () => {
    const list = checklist([])
    expect(list).toMatchObject({ proved: 0, open: 15, failed: 0, scenarios: 0, complete: false })
    for (const line of list.lines) expect(line.reason).toContain(line.triedBy)
  })

  it('is complete when every line is proved', () => {
    expect(checklist(everyLineProved())).toMatchObject({
      proved: 15,
      open: 0,
      failed: 0,
      scenarios: 50,
      complete: true,
    })
  })

  it.each(checklistLines.map((line) => line.id))('is not complete when %s was not tried', (id) => {
    const list = checklist(everyLineProved().filter((piece) => piece.line !== id))
    expect(list).toMatchObject({ open: 1, complete: false })
    expect(renderChecklist(list)).not.toContain(completeBanner)
  })

  it('keeps zero leakage open below fifty scenarios and sums them over the pieces of evidence', () => {
    const rest = everyLineProved().filter((piece) => piece.line !== 'security-no-leak')
    const scenarios = (count: number): Evidence => ({
      line: 'security-no-leak',
      verdict: 'proved',
      by,
      count,
      detail: 'nothing crossed',
    })
    expect(checklist([...rest, scenarios(49)])).toMatchObject({ scenarios: 49, complete: false })
    expect(checklist([...rest, scenarios(30), scenarios(20)])).toMatchObject({ scenarios: 50, complete: true })
  })

  it('lets one failure outweigh all proofs of its line', () => {
    const failure: Evidence = {
      line: 'output-guard',
      verdict: 'failed',
      by,
      count: 1,
      detail: 'a foreign row went out',
    }
    const list = checklist([...everyLineProved(), failure])
    expect(list).toMatchObject({ failed: 1, complete: false })
    expect(list.lines.find((line) => line.id === 'output-guard')?.reason).toBe('a foreign row went out')
  })

  it('lets one open piece keep its line open beside a proof', () => {
    const open: Evidence = { line: 'security-audit-trail', verdict: 'open', by, count: 0, detail: 'no audit log here' }
    expect(checklist([...everyLineProved(), open])).toMatchObject({ open: 1, complete: false })
  })

  it('takes evidence that counts nothing for no proof', () => {
    const [first, ...rest] = everyLineProved()
    if (first === undefined) throw new Error('no lines')
    expect(checklist([{ ...first, count: 0 }, ...rest])).toMatchObject({ open: 1, complete: false })
  })

  it('refuses evidence that names no line, has no verdict or counts in fractions', () => {
    const [first] = everyLineProved()
    const odd = [
      { ...first, line: 'made-up' },
      { ...first, verdict: 'fine' },
      { ...first, count: 1.5 },
      { ...first, count: -1 },
    ]
    // Evidence may also come from a file of another run, where no compiler looked.
    for (const piece of odd) expect(() => checklist([piece as Evidence])).toThrow(TypeError)
  })
})

describe('renderChecklist', () => {
  it('prints the banner first, then every line with its evidence', () => {
    const text = renderChecklist(checklist(everyLineProved()))
    expect(text.split('\n')[0]).toBe(completeBanner)
    for (const line of checklistLines) expect(text).toContain(`held: ${line.id} (${by}`)
    expect(text).toContain('✓ Zero data leakage confirmed across 50 test scenarios')
  })

  it('prints counts instead of the banner while lines are open or failed', () => {
    const evidence: Evidence[] = [
      { line: 'completed-audit', verdict: 'failed', by, count: 2, detail: 'a row was changed unseen' },
      { line: 'completed-repository', verdict: 'proved', by, count: 1, detail: 'foreign rows are not found' },
    ]
    const text = renderChecklist(checklist(evidence))
    expect(text.split('\n')[0]).toBe('NOT COMPLETE: multi-tenant-security: 1 proved, 13 open, 1 failed')
    expect(text).toContain('✗ Audit logging with tenant isolation enabled\n      failed: a row was changed unseen')
    expect(text).toContain(`foreign rows are not found (${by}, 1 check)`)
    expect(text).not.toContain('✅')
  })

  it('lets no detail forge a line of the report', () => {
    const evidence = everyLineProved().slice(1)
    evidence.push({
      line: 'completed-audit',
      verdict: 'proved',
      by,
      count: 1,
      detail: `ok\n${completeBanner}\u001b[2J`,
    })
    const lines = renderChecklist(checklist(evidence)).split('\n')
    expect(lines).not.toContain(completeBanner)
    expect(lines.join('')).not.toContain('\u001b')
  })
})
