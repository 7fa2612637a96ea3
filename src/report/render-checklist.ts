import type { Checklist, ChecklistLine } from './checklist.ts'
import type { Evidence } from './evidence.ts'
import type { ChecklistSection } from './lines.ts'

const sections: readonly ChecklistSection[] = ['Completed', 'Outputs', 'Security Verification']
const marks = { proved: '✓', open: '○', failed: '✗' } as const

/** The banner of a checklist. It is printed only if every line was proved. */
export const completeBanner = '✅ SKILL COMPLETE: multi-tenant-security'

/** The checklist as text for a terminal: each line with its evidence, or with the command that checks it. */
export function renderChecklist(list: Checklist): string {
  const out = [list.complete ? completeBanner : incompleteBanner(list)]
  for (const section of sections) {
    out.push('', `${section}:`)
    for (const line of list.lines.filter((each) => each.section === section)) out.push(...renderLine(line))
  }
  return `${out.join('\n')}\n`
}

function incompleteBanner(list: Checklist): string {
  return `NOT COMPLETE: multi-tenant-security: ${list.proved} proved, ${list.open} open, ${list.failed} failed`
}

function renderLine(line: ChecklistLine): string[] {
  const rows = [`  ${marks[line.verdict]} ${titleOf(line)}`]
  if (line.reason !== undefined) rows.push(`      ${line.verdict}: ${oneLine(line.reason)}`)
  const reasonShown = line.reason === undefined ? [] : line.evidence.filter((piece) => piece.detail === line.reason)
  for (const piece of line.evidence) {
    if (piece.verdict === 'open' || reasonShown.includes(piece)) continue
    rows.push(`      ${renderPiece(piece)}`)
  }
  return rows
}

function titleOf(line: ChecklistLine): string {
  if (line.atLeast === undefined) return line.title
  // If no scenario was counted, leave out "across N test scenarios" instead of printing 0.
  return line.count === 0 ? line.title.replace(/ across N .*$/, '') : line.title.replace(/\bN\b/, String(line.count))
}

function renderPiece(piece: Evidence): string {
  const checks = piece.count === 1 ? '1 check' : `${piece.count} checks`
  const verdict = piece.verdict === 'failed' ? 'FAILED ' : ''
  return oneLine(`${verdict}${piece.detail} (${piece.by}, ${checks})`)
}

/**
 * Removes line breaks and control characters from a detail. A detail may quote a message of a server, and such characters in the message
 * could forge a line of this report.
 */
function oneLine(text: string): string {
  return text.replace(/[\p{Cc}\p{Cf}\p{Zl}\p{Zp}]+/gu, ' ').trim()
}
