import { VERBS } from '../../catalog/verbs.ts'
import type { Finding, Severity } from '../finding/finding.ts'
import { VERDICTS } from '../finding/verdict.ts'
import { bySeverity, countFindings } from './by-severity.ts'
import type { ReportDocument } from './document.ts'
import { oneLine, plainLines } from './escape-text.ts'
import { type AlikeFindings, foldAlike } from './fold-alike.ts'
import { wrapped, wrappedSql } from './wrap.ts'

/** Colours a text, or returns it unchanged if the output is no terminal. The CLI decides. */
export type Painter = (style: 'bold' | 'dim' | 'red' | 'yellow' | 'green' | 'cyan', text: string) => string

const noPaint: Painter = (_, text) => text
const styles: Readonly<Record<Severity, 'red' | 'yellow' | 'cyan' | 'dim'>> = {
  critical: 'red',
  high: 'red',
  medium: 'yellow',
  low: 'cyan',
  info: 'dim',
}
const verdictStyles = {
  proved: 'green',
  'proved-static': 'yellow',
  held: 'green',
  'no-access': 'dim',
  leaks: 'red',
  unproved: 'yellow',
  unreliable: 'red',
} as const
/** Width of the longest verdict, in characters. */
const WIDTH = 13

const EVIDENCE_SHOWN = 5

/** The report for a terminal: findings by severity with their fixes, tables with their verdicts, the checklist. */
export function renderPretty(document: ReportDocument, paint: Painter = noPaint): string {
  const { summary } = document
  const out = [
    paint('bold', `partywall verify: ${oneLine(document.target)}`),
    ...wrapped(oneLine(summary.verdict), 0).map((line) => paint(summary.exitCode === 0 ? 'green' : 'red', line)),
  ]
  for (const note of document.notes) out.push(...hanging(oneLine(note), '  ', '    '))
  if (document.setUp.length > 0)
    out.push('  these lines make such a role:', ...document.setUp.flatMap(sqlLines).map((line) => `    ${line}`))
  for (const { severity, findings } of bySeverity(document.findings)) {
    for (const group of foldAlike(findings)) {
      const lines = group.others.length === 0 ? findingLines : alikeLines
      out.push('', ...lines(group, severity, document, paint))
    }
  }
  if (document.accepted.length > 0) {
    out.push('', paint('bold', 'Accepted by the baseline'))
    for (const { finding, reason, expires } of document.accepted) {
      out.push(`  ${oneLine(`${finding.key}: ${reason}${expires === undefined ? '' : ` (until ${expires})`}`)}`)
    }
  }
  out.push('', ...tableLines(document, paint))
  if (document.unwalled.length > 0) out.push('', ...unwalledLines(document, paint))
  if (document.mutants !== undefined) out.push('', ...mutantLines(document, paint))
  if (document.internalErrors.length > 0) {
    const errors = document.internalErrors.map(({ where, message }) => `${where}: ${message}`)
    out.push('', ...section('Internal errors of partywall: please report them', errors, paint))
  }
  if (document.warnings.length > 0) out.push('', ...section('Baseline', document.warnings, paint))
  if (document.gaps.length > 0) out.push('', ...section('Not looked at here', document.gaps, paint))
  if (document.checklist.length > 0) out.push('', ...checklistLines(document, paint))
  out.push('', ...summaryLines(document, paint))
  return `${out.join('\n')}\n`
}

function findingLines(
  { first: finding }: AlikeFindings,
  severity: Severity,
  document: ReportDocument,
  paint: Painter,
): string[] {
  const made = document.locate(finding.object)
  const where = made === undefined ? '' : paint('dim', `  ${made.file}:${made.line}`)
  const proof = finding.proof === 'exploited' ? '  exploited' : ''
  return [
    `${paint(styles[severity], severity.toUpperCase().padEnd(8))}  ${paint('bold', oneLine(finding.object))}  ${finding.rule}${proof}${where}`,
    ...plainLines(finding.message).flatMap((line) => hanging(line, '  ', '  ')),
    ...shortened(finding.evidence).flatMap((line) => dimmed(hanging(oneLine(line), '  · ', '    '), paint)),
    '  fix:',
    ...sqlLines(finding.fix).map((line) => `    ${line}`),
    paint('dim', `  key: ${oneLine(finding.key)}`),
    ...(finding.alike ?? []).map((key) => paint('dim', `       ${oneLine(key)}`)),
  ]
}

/** One block for findings that are alike: the message of the first, and the names and fixes of all. */
function alikeLines(
  { first, others }: AlikeFindings,
  severity: Severity,
  document: ReportDocument,
  paint: Painter,
): string[] {
  const all = [first, ...others]
  const where = (finding: Finding) => {
    const made = document.locate(finding.object)
    return made === undefined ? '' : `  ${made.file}:${made.line}`
  }
  const proof = first.proof === 'exploited' ? '  exploited' : ''
  const fixes = [...new Set(all.map((finding) => finding.fix))].flatMap(sqlLines)
  return [
    `${paint(styles[severity], severity.toUpperCase().padEnd(8))}  ${paint('bold', `${all.length} times`)}  ${first.rule}${proof}`,
    ...plainLines(first.message).flatMap((line) => hanging(line, '  ', '  ')),
    ...shortened(first.evidence).flatMap((line) => dimmed(hanging(oneLine(line), '  · ', '    '), paint)),
    `  the same finding on these ${all.length} objects, by key:`,
    ...all.map((finding) => `    ${oneLine(finding.key)}${paint('dim', where(finding))}`),
    '  fix:',
    ...fixes.map((line) => `    ${line}`),
  ]
}

/** Wraps a text at words. The first line begins with a mark, the others are indented. */
function hanging(text: string, mark: string, below: string): readonly string[] {
  return wrapped(text, Math.max(mark.length, below.length)).map((line, at) => `${at === 0 ? mark : below}${line}`)
}

function dimmed(lines: readonly string[], paint: Painter): readonly string[] {
  return lines.map((line) => paint('dim', line))
}

function sqlLines(sql: string): readonly string[] {
  return plainLines(sql).flatMap((line) => wrappedSql(line))
}

/** The first lines of evidence. An attack yields similar lines in each context, and the other formats contain all lines. */
function shortened(evidence: readonly string[]): readonly string[] {
  if (evidence.length <= EVIDENCE_SHOWN + 1) return evidence
  return [
    ...evidence.slice(0, EVIDENCE_SHOWN),
    `and ${evidence.length - EVIDENCE_SHOWN} more of this kind; --format json lists all`,
  ]
}

function tableLines(document: ReportDocument, paint: Painter): string[] {
  if (document.tables.length === 0) return ['No tenant table was found.']
  const names = document.tables.map((table) => oneLine(table.object))
  const width = Math.max(6, ...names.map((name) => name.length))
  const lines = [
    paint('bold', `${'Tables'.padEnd(width)}  ${VERBS.map((verb) => verb.padEnd(WIDTH)).join('  ')}`.trimEnd()),
  ]
  document.tables.forEach((table, index) => {
    const cells = VERBS.map((verb) => {
      const verdict = table.verbs[verb]
      return verdict === undefined ? '–'.padEnd(WIDTH) : paint(verdictStyles[verdict], verdict.padEnd(WIDTH))
    })
    lines.push(`${(names[index] ?? '').padEnd(width)}  ${cells.join('  ')}`.trimEnd())
    const said = new Map<string, string[]>()
    for (const verb of VERBS) {
      const reason = table.reasons[verb]
      const verdict = table.verbs[verb]
      if (reason === undefined || verdict === undefined || VERDICTS[verdict].checklist !== 'stays open') continue
      said.set(reason, [...(said.get(reason) ?? []), verb])
    }
    for (const [reason, verbs] of said)
      lines.push(...dimmed(hanging(oneLine(`${verbs.join(', ')}: ${reason}`), '  ', '    '), paint))
  })
  return lines
}

function unwalledLines(document: ReportDocument, paint: Painter): string[] {
  return [
    paint('bold', 'Tables that no policy restricts, that the application can use, and that belong to no tenant'),
    ...document.unwalled.flatMap(({ object, verbs, reason }) =>
      hanging(oneLine(`${object} (${verbs.join(', ')}): ${reason}`), '  ', '    '),
    ),
  ]
}

function mutantLines(document: ReportDocument, paint: Painter): string[] {
  const { killed = 0, total = 0, survivors = [] } = document.mutants ?? {}
  const rate =
    total === 0 ? 'no mutant applies' : `${killed} of ${total} noticed (${Math.floor((100 * killed) / total)} %)`
  return [
    paint('bold', `Mutants: ${rate}`),
    ...survivors.flatMap((each) =>
      hanging(oneLine(`not noticed: ${each.name} on ${each.object}: ${each.reason}`), '  ', '    '),
    ),
  ]
}

function section(title: string, lines: readonly string[], paint: Painter): string[] {
  return [paint('bold', title), ...lines.flatMap((line) => hanging(oneLine(line), '  ', '    '))]
}

function checklistLines(document: ReportDocument, paint: Painter): string[] {
  const marks = { proved: paint('green', '✓'), open: paint('yellow', '○'), failed: paint('red', '✗') }
  const lines = [paint('bold', 'Checklist')]
  let current = ''
  for (const line of document.checklist) {
    if (line.section !== current) lines.push(`  ${line.section}`)
    current = line.section
    const title = oneLine(line.title)
    const detail = oneLine(line.detail)
    const fits = title.length + detail.length < 110
    const [first = '', ...rest] = wrapped(title, 8)
    lines.push(`    ${marks[line.verdict]} ${first}${fits && detail !== '' ? paint('dim', `: ${detail}`) : ''}`)
    lines.push(...rest.map((more) => `      ${more}`))
    if (!fits) lines.push(...dimmed(hanging(detail, '        ', '        '), paint))
  }
  return lines
}

function summaryLines(document: ReportDocument, paint: Painter): string[] {
  const { summary } = document
  const verdicts = Object.entries(summary.verdicts)
    .filter(([, number]) => number > 0)
    .map(([verdict, number]) => `${number} ${verdict}`)
  const accepted = summary.accepted === 0 ? '' : `, ${summary.accepted} accepted`
  const tried = summary.probes === 0 ? 'catalog and proof only' : `${summary.probes} probes`
  return [
    ...wrapped(
      `${countFindings(summary.findings)}${accepted}; ${summary.tables} table${summary.tables === 1 ? '' : 's'}: ${verdicts.join(', ') || 'no verdict'}; ${summary.rules} rule${summary.rules === 1 ? '' : 's'}, ${tried}`,
      0,
    ),
    ...wrapped(oneLine(summary.verdict), 0).map((line) => paint(summary.exitCode === 0 ? 'green' : 'red', line)),
  ]
}
